// Layer norm (Ba et al. 2016) over every row.
//
// Shapes: N rows, H hidden size.
import { attribute, executeKernel, executeKernels, type tf } from '@crosscheck/tensorflow';
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
  view,
} from './kernels.ts';
import type { Forward, Work } from './work.ts';

/** The input and each row's statistics: the normalised rows are cheap to compute again. */
export interface KeptNorm {
  x: tf.Tensor; // [N, H]
  mean: tf.Tensor; // [N, 1] or [N]
  inverseStd: tf.Tensor; // [N, 1] or [N]
}

/** In one of its implementations. */
export interface LayerNorm {
  /** Normalises every row of x, then scales and shifts. Keeps x: it then belongs to the layer. */
  forward(work: Work, name: string, x: tf.Tensor, epsilon: number): Forward<KeptNorm>;
  /** The layer's output once more. */
  again(work: Work, name: string, kept: KeptNorm): tf.Tensor;
  /** dx = (dŷ − mean(dŷ) − x̂ · mean(dŷ · x̂)) / std with dŷ = dy · scale; frees what was kept. */
  backward(work: Work, name: string, kept: KeptNorm, dy: tf.Tensor): tf.Tensor;
}

const affine = (work: Work, name: string) => [work.weight(`${name}.weight`), work.weight(`${name}.bias`)];

/** Of TensorFlow's own kernels, on any device. */
export const composedLayerNorm: LayerNorm = {
  forward(work, name, x, epsilon) {
    const mean = rowMean(x); // [N, 1]
    const variance = consume(squaredDifference(x, mean), rowMean); // [N, 1]
    const inverseStd = consume(
      consume(variance, (v) => shift(v, epsilon)),
      rsqrt,
    ); // [N, 1]
    const kept = { x, mean, inverseStd };
    return { y: composedLayerNorm.again(work, name, kept), kept };
  },
  again(work, name, kept) {
    const [weight, bias] = affine(work, name) as [tf.Tensor, tf.Tensor];
    const scaled = consume(normalRows(kept), (rows) => multiply(rows, weight)); // [N, H]
    return consume(scaled, (y) => add(y, bias));
  },
  backward(work, name, kept, dy) {
    const rows = normalRows(kept); // [N, H]
    work.learn(`${name}.weight`, () => consume(multiply(dy, rows), biasGradient)); // [H]
    work.learn(`${name}.bias`, () => biasGradient(dy)); // [H]
    const dRows = multiply(dy, work.weight(`${name}.weight`)); // [N, H]
    const along = consume(consume(multiply(dRows, rows), rowMean), (share) => multiply(rows, share)); // [N, H]
    const across = consume(rowMean(dRows), (mean) => subtract(dRows, mean)); // [N, H]
    const dx = consume(subtract(across, along), (difference) => multiply(difference, kept.inverseStd)); // [N, H]
    release(rows, dRows, along, across, kept);
    return dx;
  },
};

/** x̂ [N, H] */
function normalRows({ x, mean, inverseStd }: KeptNorm): tf.Tensor {
  return consume(subtract(x, mean), (centred) => multiply(centred, inverseStd));
}

type Outputs = [tf.Tensor, tf.Tensor, tf.Tensor];

/** Of packages/tensorflow/native. */
export const ownLayerNorm: LayerNorm = {
  forward(work, name, x, epsilon) {
    const inputs = [x, ...affine(work, name)];
    const outputs = executeKernels('CrosscheckLayerNorm', [attribute.float('epsilon', epsilon)], inputs, 3);
    const [y, mean, inverseStd] = outputs as Outputs; // [N, H], [N], [N]
    return { y, kept: { x, mean, inverseStd } };
  },
  again: (work, name, { x, mean, inverseStd }) =>
    executeKernel('CrosscheckLayerNormAgain', [], [x, ...affine(work, name), mean, inverseStd]),
  backward(work, name, kept, dy) {
    const inputs = [dy, kept.x, work.weight(`${name}.weight`), kept.mean, kept.inverseStd];
    const [dx, dWeight, dBias] = executeKernels('CrosscheckLayerNormGradient', [], inputs, 3) as Outputs;
    work.learn(`${name}.weight`, () => view(dWeight)); // [H]
    work.learn(`${name}.bias`, () => view(dBias)); // [H]
    release(dWeight, dBias, kept);
    return dx;
  },
};
