import { epochMetrics, sigmoid } from '@crosscheck/contract';
import { computeMetrics, percentile, type StepSummary } from '@crosscheck/evaluation';
import type { EpochMetrics, TotalsSnapshot } from './events.ts';
import type { StepOutcome } from './step/take-step.ts';

export const emptyTotals: TotalsSnapshot = {
  lossSum: 0,
  logits: [],
  labels: [],
  losses: [],
  gradientNorms: [],
  skipped: 0,
};

export interface EpochTotals {
  add(result: StepOutcome): void;
  /** Counts a step that was skipped. */
  skip(): void;
  /** `train/…` metrics over the samples seen, from the outputs that the training passes gave (dropout on). */
  metrics(): EpochMetrics;
  /** How the steps went. */
  steps(): StepSummary;
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
  const [losses, gradientNorms] = [[...from.losses], [...from.gradientNorms]];
  let { lossSum, skipped } = from;
  return {
    add(result) {
      lossSum += result.loss * result.batchSize;
      logits.push(...result.logits);
      labels.push(...result.labels);
      losses.push(result.loss);
      gradientNorms.push(result.gradientNorm);
    },
    skip: () => void skipped++,
    metrics() {
      if (labels.length === 0) return {};
      const metrics = computeMetrics(logits.map(sigmoid), labels, 0.5);
      return { 'train/loss': lossSum / labels.length, ...nameMetrics('train', metrics) };
    },
    steps: () => summarise({ losses, gradientNorms, skipped }),
    snapshot: () => ({
      lossSum,
      logits: [...logits],
      labels: [...labels],
      losses: [...losses],
      gradientNorms: [...gradientNorms],
      skipped,
    }),
  };
}

function summarise({ losses, gradientNorms, skipped }: Pick<TotalsSnapshot, 'losses' | 'gradientNorms' | 'skipped'>) {
  const norms = gradientNorms.toSorted((a, b) => a - b);
  return {
    taken: losses.length,
    skipped,
    firstLoss: losses[0] ?? null,
    // Of the norms, so that a threshold below it clips nearly every step.
    lowGradientNorm: norms.length === 0 ? null : percentile(norms, 0.05),
    gradientNorm: norms.length === 0 ? null : percentile(norms, 0.5),
  };
}
