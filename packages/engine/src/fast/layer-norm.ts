// Layer norm (Ba et al. 2016) over every row.
//
// Shapes: N rows, H hidden size.
import type { Norm } from '@crosscheck/network';
import { attribute, executeKernel, executeKernels, type tf } from '@crosscheck/tensorflow';
import {
  add,
  biasGradient,
  consume,
  multiply,
  release,
  reshape,
  rowMean,
  rsqrt,
  shift,
  squaredDifference,
  subtract,
  view,
} from './kernels.ts';
import type { LayerNorm, RowStatistics, Work } from './work.ts';

const affine = (work: Work, { name }: Norm) => [work.weight(`${name}.weight`), work.weight(`${name}.bias`)];

/** x [.., H] by an implementation for matrices. */
const rowwise = (of: LayerNorm): LayerNorm => {
  const rows = <T>(x: tf.Tensor, compute: (rows: tf.Tensor) => T): T =>
    x.rank === 2 ? compute(x) : consume(reshape(x, [-1, x.shape.at(-1) as number]), compute);
  const like = (x: tf.Tensor, y: tf.Tensor) => (x.rank === 2 ? y : consume(y, (flat) => reshape(flat, x.shape)));
  return {
    forward(work, norm, x) {
      const { y, kept } = rows(x, (flat) => of.forward(work, norm, flat));
      return { y: like(x, y), kept };
    },
    again: (work, norm, x, kept) =>
      like(
        x,
        rows(x, (flat) => of.again(work, norm, flat, kept)),
      ),
    backward: (work, norm, { x, kept, dy }) =>
      like(
        x,
        rows(x, (flat) => rows(dy, (d) => of.backward(work, norm, { x: flat, kept, dy: d }))),
      ),
  };
};

/** Of TensorFlow's own kernels, on any device. */
export const composedLayerNorm: LayerNorm = rowwise({
  forward(work, norm, x) {
    const mean = rowMean(x); // [N, 1]
    const variance = consume(squaredDifference(x, mean), rowMean); // [N, 1]
    const inverseStd = consume(
      consume(variance, (v) => shift(v, norm.epsilon)),
      rsqrt,
    ); // [N, 1]
    const kept = { mean, inverseStd };
    return { y: composedLayerNorm.again(work, norm, x, kept), kept };
  },
  again(work, norm, x, kept) {
    const [weight, bias] = affine(work, norm) as [tf.Tensor, tf.Tensor];
    const scaled = consume(normalRows(x, kept), (rows) => multiply(rows, weight)); // [N, H]
    return consume(scaled, (y) => add(y, bias));
  },
  backward(work, { name }, { x, kept, dy }) {
    const rows = normalRows(x, kept); // [N, H]
    work.learn(`${name}.weight`, () => consume(multiply(dy, rows), biasGradient)); // [H]
    work.learn(`${name}.bias`, () => biasGradient(dy)); // [H]
    const dRows = multiply(dy, work.weight(`${name}.weight`)); // [N, H]
    const along = consume(consume(multiply(dRows, rows), rowMean), (share) => multiply(rows, share)); // [N, H]
    const across = consume(rowMean(dRows), (mean) => subtract(dRows, mean)); // [N, H]
    const dx = consume(subtract(across, along), (difference) => multiply(difference, kept.inverseStd)); // [N, H]
    release(rows, dRows, along, across);
    return dx;
  },
});

/** x̂ [N, H] */
function normalRows(x: tf.Tensor, { mean, inverseStd }: RowStatistics): tf.Tensor {
  return consume(subtract(x, mean), (centred) => multiply(centred, inverseStd));
}

type Outputs = [tf.Tensor, tf.Tensor, tf.Tensor];

/** Of packages/tensorflow/native. */
export const ownLayerNorm: LayerNorm = rowwise({
  forward(work, norm, x) {
    const inputs = [x, ...affine(work, norm)];
    const outputs = executeKernels('CrosscheckLayerNorm', [attribute.float('epsilon', norm.epsilon)], inputs, 3);
    const [y, mean, inverseStd] = outputs as Outputs; // [N, H], [N], [N]
    return { y, kept: { mean, inverseStd } };
  },
  again: (work, norm, x, { mean, inverseStd }) =>
    executeKernel('CrosscheckLayerNormAgain', [], [x, ...affine(work, norm), mean, inverseStd]),
  backward(work, { name }, { x, kept, dy }) {
    const inputs = [dy, x, work.weight(`${name}.weight`), kept.mean, kept.inverseStd];
    const [dx, dWeight, dBias] = executeKernels('CrosscheckLayerNormGradient', [], inputs, 3) as Outputs;
    work.learn(`${name}.weight`, () => view(dWeight)); // [H]
    work.learn(`${name}.bias`, () => view(dBias)); // [H]
    release(dWeight, dBias);
    return dx;
  },
});
