import type { MetricName } from '../metrics.ts';
import type { PairedAccuracy } from './accuracy-difference.ts';
import type { ModelComparison } from './compare-models.ts';

/**
 * What a difference shows beyond chance. `edge`: its interval leaves out 0, but McNemar's exact test, which is more cautious than the interval,
 * still allows for chance.
 */
export type Outcome = 'lower' | 'higher' | 'edge' | 'nothing';

/** A difference counts when chance alone makes one as large less often than this. */
export const significance = 0.05;

const sideOf = ({ low, high }: { low: number; high: number }): 'lower' | 'higher' | null => {
  if (high < 0) return 'lower';
  return low > 0 ? 'higher' : null;
};

/** Of two accuracies on the same posts: beyond chance where test and interval both say so. The test never does where the interval does not. */
export function outcomeOfPairs({ difference, pValue }: Pick<PairedAccuracy, 'difference' | 'pValue'>): Outcome {
  const side = sideOf(difference);
  if (side === null) return 'nothing';
  return pValue < significance ? side : 'edge';
}

/** Of a metric of two models: by its interval, for paired accuracies by their test as well. */
export function outcomeOf(name: MetricName, { metrics, pairs }: ModelComparison): Outcome {
  if (name === 'accuracy' && pairs !== null) return outcomeOfPairs(pairs);
  return sideOf(metrics[name].difference) ?? 'nothing';
}
