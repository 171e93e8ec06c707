import { epochMetrics, sigmoid } from '@crosscheck/contract';
import { computeMetrics } from '@crosscheck/evaluation';
import type { EpochMetrics } from './events.ts';
import type { StepResult } from './session.ts';

/** What an epoch has summed up so far, as plain JSON. */
export interface TotalsSnapshot {
  lossSum: number;
  logits: number[];
  labels: number[];
}

export const emptyTotals: TotalsSnapshot = { lossSum: 0, logits: [], labels: [] };

export interface EpochTotals {
  add(result: StepResult): void;
  /** `train/…` metrics over the samples seen, from the outputs that the training passes gave (dropout on). */
  metrics(): EpochMetrics;
  snapshot(): TotalsSnapshot;
}

/** Metric names as the original logs them. */
const shortNames: Readonly<Record<string, string>> = { rocAuc: 'auc' };

/** All but the loss, which training and validation have from elsewhere. */
const reported = epochMetrics.filter((name) => name !== 'loss').map((name) => (name === 'auc' ? 'rocAuc' : name));

/** Names the metrics of one split: `val/accuracy`, `val/auc`, …; undefined ones (one class only) are left out. */
export function nameMetrics(split: string, metrics: object, keys: readonly string[] = reported): EpochMetrics {
  const values = metrics as Record<string, number>;
  const named = keys.map((key): [string, number] => [`${split}/${shortNames[key] ?? key}`, values[key] ?? Number.NaN]);
  return Object.fromEntries(named.filter(([, value]) => Number.isFinite(value)));
}

/** Sums up an epoch, from its beginning or from where an earlier run stopped. */
export function createEpochTotals(from: TotalsSnapshot = emptyTotals): EpochTotals {
  const [logits, labels] = [[...from.logits], [...from.labels]];
  let { lossSum } = from;
  return {
    add(result) {
      lossSum += result.loss * result.batchSize;
      logits.push(...result.logits);
      labels.push(...result.labels);
    },
    metrics() {
      if (labels.length === 0) return {};
      const metrics = computeMetrics(logits.map(sigmoid), labels, 0.5);
      return { 'train/loss': lossSum / labels.length, ...nameMetrics('train', metrics) };
    },
    snapshot: () => ({ lossSum, logits: [...logits], labels: [...labels] }),
  };
}
