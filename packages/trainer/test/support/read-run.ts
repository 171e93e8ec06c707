import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openSafetensors } from '@crosscheck/weights';

export interface MetricsLine {
  epoch?: number;
  step: number;
  phase: string;
  [metric: string]: unknown;
}

export function readMetrics(runDir: string): MetricsLine[] {
  const text = readFileSync(path.join(runDir, 'metrics.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as MetricsLine);
}

export const stepLines = (runDir: string): MetricsLine[] =>
  readMetrics(runDir).filter(({ epoch }) => epoch === undefined);
export const epochLines = (runDir: string): MetricsLine[] =>
  readMetrics(runDir).filter(({ epoch }) => epoch !== undefined);

/** Loss of every step, in order. */
export const stepLosses = (runDir: string): unknown[] => stepLines(runDir).map((line) => line['train/loss_step']);

/** Everything that a line says but its times, which differ from run to run. */
export function withoutTimes(lines: readonly MetricsLine[]): MetricsLine[] {
  return lines.map((line) => {
    const kept = Object.entries(line).filter(([key]) => !key.endsWith('seconds'));
    return Object.fromEntries(kept) as MetricsLine;
  });
}

/** Every tensor of a `.safetensors` file as hex, so that equal means bit for bit. */
export async function readBits(file: string): Promise<Record<string, string>> {
  const opened = await openSafetensors(file);
  try {
    const entries: [string, string][] = [];
    for (const name of opened.tensors.keys()) {
      const { buffer, byteOffset, byteLength } = await opened.read(name);
      entries.push([name, Buffer.from(buffer, byteOffset, byteLength).toString('hex')]);
    }
    return Object.fromEntries(entries);
  } finally {
    await opened.close();
  }
}

/** Names of the tensors that differ between two files of the same tensors. */
export function changedTensors(before: Record<string, string>, after: Record<string, string>): string[] {
  return Object.keys(after).filter((name) => before[name] !== after[name]);
}

export const bestCheckpoint = (checkpointDir: string, version = '1.8'): string =>
  path.join(checkpointDir, `best_model_${version}.safetensors`);
