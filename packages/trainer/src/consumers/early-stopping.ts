import type { Consumer, EpochMetrics } from '../events.ts';
import type { EpochRecord } from '../history.ts';

export interface EarlyStoppingOptions {
  enabled: boolean;
  /** Epochs without improvement before a phase ends. */
  patience: number;
  /** Smallest change that counts as improvement. */
  minDelta: number;
  /** Watched metric, such as `val/loss` or `val/accuracy`. */
  metric: string;
}

/** Losses and errors get better by falling, everything else by rising. */
export function isLowerBetter(metric: string): boolean {
  return /(^|\/)(loss|brier|ece|fpr)/.test(metric);
}

/** Ends a phase whose watched metric has not improved for `patience` epochs. Counts anew in each phase; a resumed run is told its history. */
export function stopEarly(options: EarlyStoppingOptions, history: readonly EpochRecord[] = []): Consumer {
  const sign = isLowerBetter(options.metric) ? -1 : 1;
  let best = Number.NEGATIVE_INFINITY;
  let waited = 0;
  const see = (metrics: EpochMetrics) => {
    const value = metrics[options.metric];
    if (value === undefined) return;
    if (sign * value > best + options.minDelta) [best, waited] = [sign * value, 0];
    else waited += 1;
  };
  const answer = () => (options.enabled && waited >= options.patience ? 'stop-phase' : undefined);
  return {
    on(event) {
      if (event.kind === 'phase-start') {
        [best, waited] = [Number.NEGATIVE_INFINITY, 0];
        for (const { metrics } of history.filter(({ phaseIndex }) => phaseIndex === event.phase.index)) see(metrics);
        return answer();
      }
      if (event.kind !== 'epoch') return;
      see(event.metrics);
      return answer();
    },
  };
}
