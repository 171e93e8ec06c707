import type { Dropout } from '@crosscheck/network';
import { attribute, executeKernel, type tf } from '@crosscheck/tensorflow';
import type { Packing } from '../packing.ts';
import { noiseKey, survivalMask } from '../pass.ts';
import { consume, gatherRows, multiply, view } from './kernels.ts';
import type { RowDropout, Work } from './work.ts';

/** What a dropout multiplies with, there and back; null where nothing is dropped. */
export type Mask = tf.Tensor | null;

export interface DropoutSite {
  shape: number[];
  rate: number;
  site: string;
}

/** The mask of a seed and site. `select` picks the part that is computed here. */
export function drawMask(
  work: Work,
  { shape, rate, site }: DropoutSite,
  select?: (mask: tf.Tensor) => tf.Tensor,
): Mask {
  if (!work.training || rate === 0) return null;
  const mask = survivalMask(work, shape, rate, site);
  return select ? consume(mask, select) : mask;
}

/** x · mask, which is its own gradient. */
export const drop = (x: tf.Tensor, mask: Mask): tf.Tensor => (mask ? multiply(x, mask) : view(x));

const placesOf = (tokens: Packing, { of }: Dropout) => (of === 'first' ? tokens.firstPlaces : tokens.places);

/** Of TensorFlow's own kernels, on any device: the whole mask is drawn. */
export const composedRowDropout: RowDropout = {
  forward(work, tokens, options, x) {
    const places = placesOf(tokens, options);
    const shape = [tokens.size * tokens.length, x.shape[1] as number]; // [B · L, H]
    const isEveryRow = places.size === shape[0];
    const mask = drawMask(work, { ...options, shape }, isEveryRow ? undefined : (m) => gatherRows(m, places)); // [N, H]
    return { y: drop(x, mask), ...(mask && { kept: { mask } }) };
  },
  again: (_work, _tokens, _options, { x, kept }) => drop(x, (kept as { mask: tf.Tensor } | undefined)?.mask ?? null),
};

/** Of packages/tensorflow/native: the mask is drawn where it is used, as often as it is used. */
export const ownRowDropout: RowDropout = {
  forward: (work, tokens, options, x) => ({ y: ownRowDropout.again(work, tokens, options, { x, kept: undefined }) }),
  again(work, tokens, options, { x }) {
    const { rate, site } = options;
    if (!work.training || rate === 0) return view(x);
    const inputs = [x, placesOf(tokens, options)];
    const run = (key: tf.Tensor) =>
      executeKernel('CrosscheckDropRows', [attribute.float('rate', rate)], [...inputs, key]);
    return consume(noiseKey(work.seed, site), run);
  },
};
