import type { tf } from '@crosscheck/tensorflow';
import {
  add,
  biasGradient,
  consume,
  multiply,
  release,
  rowMean,
  rsqrt,
  shift,
  squaredDifference,
  subtract,
} from './kernels.ts';
import type { Forward, Work } from './work.ts';

/** The input and each row's statistics: the normalised rows are cheap to compute again. */
export interface KeptNorm {
  x: tf.Tensor;
  mean: tf.Tensor;
  inverseStd: tf.Tensor;
}

/** Normalises every row of x [N, H], then scales and shifts. Keeps x: it then belongs to the layer. */
export function layerNorm(work: Work, name: string, x: tf.Tensor, epsilon: number): Forward<KeptNorm> {
  const mean = rowMean(x); // [N, 1]
  const variance = consume(squaredDifference(x, mean), rowMean); // [N, 1]
  const inverseStd = consume(
    consume(variance, (v) => shift(v, epsilon)),
    rsqrt,
  ); // [N, 1]
  const kept = { x, mean, inverseStd };
  return { y: layerNormAgain(work, name, kept), kept };
}

/** The layer's output once more. */
export function layerNormAgain(work: Work, name: string, kept: KeptNorm): tf.Tensor {
  const scaled = consume(normalRows(kept), (rows) => multiply(rows, work.weight(`${name}.weight`))); // [N, H]
  return consume(scaled, (y) => add(y, work.weight(`${name}.bias`)));
}

/** dx = (dŷ − mean(dŷ) − x̂ · mean(dŷ · x̂)) / std with dŷ = dy · scale. */
export function layerNormBackward(work: Work, name: string, kept: KeptNorm, dy: tf.Tensor): tf.Tensor {
  const rows = normalRows(kept); // [N, H]
  work.learn(`${name}.weight`, () => consume(multiply(dy, rows), biasGradient)); // [H]
  work.learn(`${name}.bias`, () => biasGradient(dy)); // [H]
  const dRows = multiply(dy, work.weight(`${name}.weight`)); // [N, H]
  const along = consume(consume(multiply(dRows, rows), rowMean), (share) => multiply(rows, share)); // [N, H]
  const across = consume(rowMean(dRows), (mean) => subtract(dRows, mean)); // [N, H]
  const dx = consume(subtract(across, along), (difference) => multiply(difference, kept.inverseStd)); // [N, H]
  release(rows, dRows, along, across, kept);
  return dx;
}

/** x̂ [N, H] */
function normalRows({ x, mean, inverseStd }: KeptNorm): tf.Tensor {
  return consume(subtract(x, mean), (centred) => multiply(centred, inverseStd));
}
