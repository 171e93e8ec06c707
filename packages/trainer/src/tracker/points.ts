import type { EpochMetrics } from '../loop/events.ts';

/** One value of one metric, as the tracker names it. */
export interface Point {
  key: string;
  value: number;
  step: number;
}

/** A line of metrics.jsonl; numbers that are not finite stand there as null. */
export interface MetricsLine {
  epoch?: number;
  step: number;
  [name: string]: number | string | null | undefined;
}

const notMetrics: ReadonlySet<string> = new Set(['epoch', 'step', 'phase', 'seconds']);

/** The tracker's points of a line: epochs count from 0, as in the original; of steps every so many. */
export function pointsOf(line: MetricsLine, logEverySteps: number): Point[] {
  if (line.epoch !== undefined) return toPoints(epochMetrics(metricsIn(line)), line.epoch - 1);
  return line.step % logEverySteps === 0 ? toPoints(stepMetrics(line), line.step) : [];
}

const toPoints = (metrics: EpochMetrics, step: number) =>
  Object.entries(metrics).map(([key, value]): Point => ({ key, value, step }));

const metricsIn = (line: MetricsLine): EpochMetrics =>
  Object.fromEntries(
    Object.entries(line)
      .filter(([key]) => !notMetrics.has(key))
      .map(([key, value]) => [key, numberOf(value)]),
  );

const numberOf = (value: MetricsLine[string]) => (typeof value === 'number' ? value : Number.NaN);

/** The original's metric names: `train/loss` → `train_loss`. MLflow's users have dashboards on them. */
const epochMetrics = (metrics: EpochMetrics): EpochMetrics =>
  Object.fromEntries(Object.entries(metrics).map(([key, value]) => [key.replace('/', '_'), value]));

const stepMetrics = (line: MetricsLine): EpochMetrics => ({
  'train/loss_step': numberOf(line['train/loss_step']),
  'train/learning_rate': numberOf(line['train/learning_rate']),
  'train/gradient_norm': numberOf(line['train/gradient_norm']),
  'train/samples_per_second': numberOf(line['train/batch_size']) / numberOf(line['train/step_seconds']),
});
