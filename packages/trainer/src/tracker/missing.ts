import type { Run, TrackingStore } from 'mlflow-js-client';
import { readMetricsLines } from '../consumers/metrics-file.ts';
import { type Point, pointsOf } from './points.ts';

/** What a run has in the tracker: key → step → the value that was logged last. */
export type Stored = Map<string, Map<number, number>>;

/** Everything that metrics.jsonl has for the tracker. */
export const readPoints = (runDir: string, logEverySteps: number): Point[] =>
  readMetricsLines(runDir).flatMap((line) => pointsOf(line, logEverySteps));

export const isStored = (stored: Stored, { key, step }: Pick<Point, 'key' | 'step'>): boolean =>
  stored.get(key)?.has(step) ?? false;

export function addStored(stored: Stored, { key, step, value }: Point): void {
  const steps = stored.get(key) ?? new Map<number, number>();
  stored.set(key, steps.set(step, value));
}

/** What training logs; figures of the machine and of evaluations have their own courses. */
const isTrainings = (key: string) => !/^(?:system\/|eval_)/.test(key);

type Readable = Pick<TrackingStore, 'getMetricHistory' | 'logBatch'>;

/** Every point of a run's training that the tracker has. */
export async function readStored(store: Readable, run: Run): Promise<Stored> {
  const stored: Stored = new Map();
  for (const key of Object.keys(run.metrics).filter(isTrainings))
    for (const point of await store.getMetricHistory(run.info.runId, key)) addStored(stored, point);
  return stored;
}

/** Sends the points that are not stored; they are from then on. @returns how many there were */
export async function sendMissing(
  store: Readable,
  runId: string,
  { points, stored }: { points: readonly Point[]; stored: Stored },
): Promise<number> {
  const missing = points.filter((point) => !isStored(stored, point));
  if (missing.length === 0) return 0;
  await store.logBatch(runId, { metrics: missing });
  for (const point of missing) addStored(stored, point);
  return missing.length;
}
