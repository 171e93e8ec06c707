import path from 'node:path';
import { openSafetensors } from '@crosscheck/weights';
import { expect } from 'vitest';
import { trainingStateFile } from '../../src/run/training-state.ts';
import { epochLines, type MetricsLine, stepLines, withoutTimes } from './read-run.ts';

const tolerance = 1e-6;

interface RunFolder {
  runDir: string;
}

async function readState(runDir: string): Promise<Map<string, Float32Array>> {
  const file = await openSafetensors(path.join(runDir, trainingStateFile));
  const tensors = new Map<string, Float32Array>();
  for (const name of file.tensors.keys()) tensors.set(name, Float32Array.from(await file.read(name)));
  await file.close();
  return tensors;
}

/** Names of the weights, moments and statistics that differ by more than the tolerance, absolute for small ones and relative for large ones. */
export async function farApart(a: RunFolder, b: RunFolder): Promise<string[]> {
  const [one, other] = [await readState(a.runDir), await readState(b.runDir)];
  expect([...other.keys()]).toEqual([...one.keys()]);
  const isFar = (x: number, y: number) => Math.abs(x - y) > tolerance * Math.max(1, Math.abs(x));
  return [...one.keys()].filter((name) => one.get(name)?.some((x, i) => isFar(x, other.get(name)?.[i] as number)));
}

/** Every number of every line, within the tolerance. */
export function expectSameFigures(actual: readonly MetricsLine[], expected: readonly MetricsLine[]): void {
  expect(actual.length).toBe(expected.length);
  const apart = expected.flatMap((line, i) =>
    Object.entries(line).filter(([key, value]) => {
      const other = actual[i]?.[key];
      if (typeof value !== 'number' || typeof other !== 'number') return value !== other;
      return Math.abs(value - other) > tolerance * Math.max(1, Math.abs(value));
    }),
  );
  expect(apart).toEqual([]);
}

/** Losses and all other figures of every step and epoch, weights, moments and running statistics of two runs. */
export async function expectSameResult(actual: RunFolder, expected: RunFolder): Promise<void> {
  for (const linesOf of [stepLines, epochLines])
    expectSameFigures(withoutTimes(linesOf(actual.runDir)), withoutTimes(linesOf(expected.runDir)));
  expect(await farApart(actual, expected)).toEqual([]);
}

/** The same, and weights that are the same bits on every worker. */
export async function expectSameRun(
  actual: RunFolder & { digests: readonly string[] },
  expected: RunFolder,
): Promise<void> {
  await expectSameResult(actual, expected);
  expect(new Set(actual.digests).size, 'weights of all workers are the same bits').toBe(1);
}
