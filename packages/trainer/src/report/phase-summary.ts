import { isBetterEpoch, wilsonInterval } from '@crosscheck/evaluation';
import type { EpochRecord } from '../loop/history.ts';

/**
 * The best validation accuracy of each phase with Wilson's 95 % interval, one line per phase; of epochs with the same, that of the lowest
 * loss. The epoch was chosen by this very number, so it flatters a little; a test split (`pnpm evaluate`) does not.
 *
 * @param rows posts that validation judged
 */
export function phaseSummary(history: readonly EpochRecord[], rows: number): string[] {
  const phases = [...new Set(history.map(({ phaseIndex }) => phaseIndex))];
  return phases.flatMap((index) => {
    const epochs = history.filter(({ phaseIndex }) => phaseIndex === index);
    const record = epochs.reduce((a, b) => (isBetterEpoch('val/accuracy', b.metrics, a.metrics) ? b : a));
    const best = record.metrics['val/accuracy'];
    if (best === undefined) return [];
    const { low, high } = wilsonInterval(Math.round(best * rows), rows);
    const interval = `95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}`;
    return [`phase ${record.phase}: val/accuracy ${best.toFixed(4)}, ${interval}, in epoch ${record.epoch}`];
  });
}
