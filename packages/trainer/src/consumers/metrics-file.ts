import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { replaceFileSync } from '@crosscheck/files';
import type { Consumer, EpochEvent, Position, StepEvent } from '../loop/events.ts';
import { guardWriting } from '../run/guard-writing.ts';
import type { MetricsLine } from '../tracker/points.ts';

export const metricsFileName = 'metrics.jsonl';

export const stepLine = (e: StepEvent) => ({
  step: e.position.step,
  phase: e.phase.name,
  'train/loss_step': e.loss,
  'train/learning_rate': e.learningRate,
  'train/gradient_norm': e.gradientNorm,
  'train/step_seconds': e.stepSeconds,
  'train/data_seconds': e.dataSeconds,
  'train/batch_size': e.batchSize,
});

export const epochLine = (e: EpochEvent) => ({
  epoch: e.position.totalEpochs,
  step: e.position.step,
  phase: e.phase.name,
  seconds: e.seconds,
  ...e.metrics,
});

/**
 * Takes back what an interrupted run wrote behind the point that it goes on from: those steps will be done, and written, again. A line
 * that a kill cut in half goes too.
 */
export function cutMetricsFile(runDir: string, { step, totalEpochs }: Position): void {
  const file = path.join(runDir, metricsFileName);
  if (!existsSync(file)) return;
  const kept = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => isBefore(line, { step, totalEpochs }));
  guardWriting(file, () => replaceFileSync(file, kept.map((line) => `${line}\n`).join('')));
}

function isBefore(text: string, end: Pick<Position, 'step' | 'totalEpochs'>): boolean {
  const [line] = parseLine(text);
  if (line === undefined) return false;
  return line.epoch === undefined ? line.step <= end.step : line.epoch <= end.totalEpochs;
}

/** Every whole line of a run's metrics.jsonl; none where there is no such file. */
export function readMetricsLines(runDir: string): MetricsLine[] {
  const file = path.join(runDir, metricsFileName);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').flatMap(parseLine);
}

function parseLine(text: string): MetricsLine[] {
  try {
    return [JSON.parse(text) as MetricsLine];
  } catch {
    return [];
  }
}

/** Appends one JSON line per step and per epoch to `metrics.jsonl` in the run folder. */
export function writeMetricsFile(runDir: string): Consumer {
  const file = path.join(runDir, metricsFileName);
  const append = (line: object) => guardWriting(file, () => appendFileSync(file, `${JSON.stringify(line)}\n`));
  return {
    on(event) {
      if (event.kind === 'step') append(stepLine(event));
      if (event.kind === 'epoch') append(epochLine(event));
    },
  };
}
