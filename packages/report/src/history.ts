import { isBetterEpoch } from '@crosscheck/evaluation';

/** What the trainer knows after an epoch. */
export interface EpochRecord {
  phase: string;
  /** From 0, counted over the whole run or within each phase; the records' order decides. */
  epoch: number;
  /** `train/loss`, `val/accuracy`, `learning_rate`, …; left out or NaN where not measured. */
  metrics: Record<string, number>;
}

/** Epochs of one phase, by their 1-based position in the run. */
export interface PhaseSpan {
  phase: string;
  first: number;
  last: number;
}

/** Runs of neighbouring epochs of one phase. */
export function phaseSpans(epochs: readonly EpochRecord[]): PhaseSpan[] {
  const spans: PhaseSpan[] = [];
  epochs.forEach(({ phase }, i) => {
    const open = spans.at(-1);
    if (open?.phase === phase) open.last = i + 1;
    else spans.push({ phase, first: i + 1, last: i + 1 });
  });
  return spans;
}

/** Position (from 0) of the epoch with the best value, of equal ones that with the lowest validation loss; null when none has one. */
export function bestEpoch(epochs: readonly EpochRecord[], metric: string): number | null {
  let best: number | null = null;
  epochs.forEach(({ metrics }, i) => {
    if (!Number.isFinite(metrics[metric])) return;
    if (best === null || isBetterEpoch(metric, metrics, epochs[best]?.metrics ?? {})) best = i;
  });
  return best;
}
