/** `val/accuracy`, `val/loss`, …, as an epoch measured them. */
export type MeasuredMetrics = Readonly<Record<string, number>>;

/** Losses and errors get better by falling, everything else by rising. */
export function isLowerBetter(metric: string): boolean {
  return /(^|\/)(loss|brier|ece|fpr)/.test(metric);
}

/**
 * Whether one epoch is better than another by a metric, strictly. Of two with the same value the one with the lower validation loss is
 * better: accuracy often stands still while the model learns.
 *
 * @param minDelta losses that differ by no more than this are alike
 */
export function isBetterEpoch(metric: string, one: MeasuredMetrics, other: MeasuredMetrics, minDelta = 0): boolean {
  const [a, b] = [one[metric] ?? Number.NaN, other[metric] ?? Number.NaN];
  if (a !== b) return isLowerBetter(metric) ? a < b : a > b;
  return (other['val/loss'] ?? Number.NaN) - (one['val/loss'] ?? Number.NaN) > minDelta;
}
