import { attribute, executeKernel, type tf } from '@crosscheck/tensorflow';
import { survivalMask } from '../layers/dropout.ts';
import { noiseKey } from '../layers/pass.ts';
import { consume, gatherRows, multiply } from './kernels.ts';
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

/** The dropout of some rows of a matrix. It needs no tensor, or one that is freed with what it is kept in. */
export interface RowDropout {
  mask: Mask; // [N, H]
  /** x [N, H] · mask; frees x unless there is nothing to drop. Its own way back. */
  drop(x: tf.Tensor): tf.Tensor;
}

/** Makes the dropout of the rows at `places` [N] of a matrix of the site's shape. */
export type RowDropoutMaker = (work: Work, site: DropoutSite, places: tf.Tensor) => RowDropout;

/** Of TensorFlow's own kernels, on any device: the whole mask is drawn. */
export const composedRowDropout: RowDropoutMaker = (work, site, places) => {
  const isEveryRow = places.size === site.shape[0];
  const mask = drawMask(work, site, isEveryRow ? undefined : (m) => gatherRows(m, places)); // [N, H]
  return { mask, drop: (x) => drop(x, mask) };
};

/** Of packages/tensorflow/native: the mask is drawn where it is used, as often as it is used. */
export const ownRowDropout: RowDropoutMaker = (work, { rate, site }, places) => {
  if (!work.training || rate === 0) return { mask: null, drop: (x) => x };
  const attributes = [attribute.float('rate', rate)];
  const dropRows = (x: tf.Tensor) =>
    consume(noiseKey(work.seed, site), (key) => executeKernel('CrosscheckDropRows', attributes, [x, places, key]));
  return { mask: null, drop: (x) => consume(x, dropRows) };
};
