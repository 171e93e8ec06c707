import { isLowerBetter } from '@crosscheck/evaluation';
import type { Consumer, EpochMetrics } from '../loop/events.ts';
import type { EpochRecord } from '../loop/history.ts';
import { type EarlyStopping } from '../loop/phases.ts';

/** Epochs since the watched metric last improved by more than `minDelta`. */
export function epochsWithoutImprovement(
  { metric, minDelta }: Pick<EarlyStopping, 'metric' | 'minDelta'>,
  epochs: readonly EpochMetrics[],
): number {
  const sign = isLowerBetter(metric) ? -1 : 1;
  let best = Number.NEGATIVE_INFINITY;
  let waited = 0;
  for (const metrics of epochs) {
    const value = metrics[metric];
    if (value === undefined) continue;
    if (sign * value > best + minDelta) [best, waited] = [sign * value, 0];
    else waited += 1;
  }
  return waited;
}

/** Ends a phase whose watched metric has not improved for `patience` epochs. Looks at the history, so a resumed run decides alike. */
export function stopEarly(history: readonly EpochRecord[]): Consumer {
  return {
    on(event) {
      if (event.kind !== 'phase-start' && event.kind !== 'epoch') return;
      const { index, earlyStopping } = event.phase;
      const epochs = history.filter(({ phaseIndex }) => phaseIndex === index).map(({ metrics }) => metrics);
      const waited = epochsWithoutImprovement(earlyStopping, epochs);
      return earlyStopping.enabled && waited >= earlyStopping.patience ? 'stop-phase' : undefined;
    },
  };
}
