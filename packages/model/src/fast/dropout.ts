import type { tf } from '@crosscheck/tensorflow';
import { survivalMask } from '../layers/dropout.ts';
import { consume, multiply } from './kernels.ts';
import type { Work } from './work.ts';

/** What a dropout multiplies with, there and back; null where nothing is dropped. */
export type Mask = tf.Tensor | null;

export interface DropoutSite {
  /** Shape of the mask as the plain implementation draws it. */
  shape: number[];
  rate: number;
  site: string;
}

/** The plain implementation's mask of the same seed and site. `select` picks the part that is computed here. */
export function drawMask(
  work: Work,
  { shape, rate, site }: DropoutSite,
  select?: (mask: tf.Tensor) => tf.Tensor,
): Mask {
  if (!work.training || rate === 0) return null;
  const mask = survivalMask(work, shape, rate, site);
  return select ? consume(mask, select) : mask;
}

/** x · mask; frees x unless there is nothing to drop. Its own way back. */
export function drop(x: tf.Tensor, mask: Mask): tf.Tensor {
  return mask ? consume(x, () => multiply(x, mask)) : x;
}
