// What follows nearly every convolution of EfficientNet: batch norm, then SiLU. Only the convolution's result x and its statistics are
// kept; y = silu(norm(x)) is computed where it is needed, as often as it is needed: that costs less than the traffic of keeping it.
//
// Shapes: x, y [B, H, W, C]; a map is one channel of one sample.
import { attribute, executeKernel, executeKernels, tf } from '@crosscheck/tensorflow';
import {
  affine,
  type BatchNorm,
  batchNorm,
  batchNormAgain,
  batchNormBackward,
  type KeptBatchNorm,
  moveStatistics,
  running,
} from './batch-norm.ts';
import {
  add,
  broadcast,
  consume,
  mapMean,
  multiply,
  perMap,
  release,
  scale,
  sigmoid,
  sigmoidGradient,
  view,
} from './kernels.ts';
import type { Work } from './work.ts';

/** The gradient of y is dy · mapWeights + each; what is left out is 0, or 1 for the weights. */
export interface Upstream {
  dy: tf.Tensor | null; // [B, H, W, C]
  mapWeights?: tf.Tensor; // [B, C]
  each?: tf.Tensor; // [B, C]
}

/** The pair of layers, in one of its implementations. */
export interface ActivatedNorm {
  /** Takes x over; in a training pass the running statistics move. */
  normalise(work: Work, norm: BatchNorm, x: tf.Tensor): KeptBatchNorm;
  /** y, or y times the weight [B, C] of each map. */
  activate(work: Work, norm: BatchNorm, kept: KeptBatchNorm, mapWeights?: tf.Tensor): tf.Tensor;
  /** Mean of y over each map, [B, C] */
  mapMeans(work: Work, norm: BatchNorm, kept: KeptBatchNorm): tf.Tensor;
  /** Σ y · dy over each map, [B, C] */
  mapProducts(work: Work, norm: BatchNorm, kept: KeptBatchNorm, dy: tf.Tensor): tf.Tensor;
  /** The gradient of x; frees what was kept. */
  backward(work: Work, norm: BatchNorm, kept: KeptBatchNorm, upstream: Upstream): tf.Tensor;
}

/** x · σ(x) */
export function silu(x: tf.Tensor): tf.Tensor {
  return consume(sigmoid(x), (s) => multiply(x, s));
}

/** dy · (σ(x) + x · σ′(x)) */
export function siluBackward(x: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  const slope = consume(sigmoid(x), (s) => consume(sigmoidGradient(s, x), (rest) => add(s, rest)));
  return consume(slope, () => multiply(dy, slope));
}

/** Of TensorFlow's own kernels, on any device. */
export const composedNorm: ActivatedNorm = {
  normalise(work, norm, x) {
    const { y, kept } = batchNorm(work, norm, x);
    y.dispose();
    return kept;
  },
  activate(work, norm, kept, mapWeights) {
    const y = consume(batchNormAgain(work, norm, kept), silu);
    return mapWeights ? consume(y, () => consume(perMap(mapWeights), (weights) => multiply(y, weights))) : y;
  },
  mapMeans(work, norm, kept) {
    return consume(composedNorm.activate(work, norm, kept), mapMean);
  },
  mapProducts(work, norm, kept, dy) {
    const [, H, W] = dy.shape as [number, number, number, number];
    const product = consume(composedNorm.activate(work, norm, kept), (y) => multiply(y, dy));
    return consume(consume(product, mapMean), (mean) => scale(mean, H * W));
  },
  backward(work, norm, kept, upstream) {
    const dy = upstreamGradient(upstream, kept.x.shape);
    const normalised = batchNormAgain(work, norm, kept);
    const dNormalised = consume(dy, () => consume(normalised, () => siluBackward(normalised, dy)));
    return consume(dNormalised, (d) => batchNormBackward(work, norm, kept, d));
  },
};

/** dy · mapWeights + each, [B, H, W, C] */
function upstreamGradient({ dy, mapWeights, each }: Upstream, shape: number[]): tf.Tensor {
  if (!dy) return consume(perMap(each as tf.Tensor), (constant) => broadcast(constant, shape));
  const weighed = mapWeights ? consume(perMap(mapWeights), (weights) => multiply(dy, weights)) : view(dy);
  return each ? consume(weighed, () => consume(perMap(each), (constant) => add(weighed, constant))) : weighed;
}

/** Of the kernels of packages/tensorflow/native: a pass over the memory for each function, two for the way back. */
export const ownNorm: ActivatedNorm = {
  normalise(work, norm, x) {
    if (!work.training) return { x, statistics: { ofBatch: null, reserved: [] } };
    const [mean, variance] = executeKernels('CrosscheckChannelMoments', [], [x], 2) as [tf.Tensor, tf.Tensor];
    const count = x.size / (x.shape[3] as number);
    const unbiased = scale(variance, count / Math.max(count - 1, 1)); // [C]
    consume(unbiased, () => moveStatistics(work, norm, mean, unbiased));
    return { x, statistics: { ofBatch: { mean, variance }, reserved: [] } };
  },
  activate: (work, norm, kept, mapWeights) =>
    withOptional([mapWeights], (weights) =>
      ownKernel('CrosscheckNormSilu', norm, [...normInputs(work, norm, kept), ...weights]),
    ),
  mapMeans(work, norm, kept) {
    const [, H, W] = kept.x.shape as [number, number, number, number];
    const sum = withOptional([undefined], (factor) =>
      ownKernel('CrosscheckNormSiluSum', norm, [...normInputs(work, norm, kept), ...factor]),
    );
    return consume(sum, () => scale(sum, 1 / (H * W)));
  },
  mapProducts: (work, norm, kept, dy) =>
    ownKernel('CrosscheckNormSiluSum', norm, [...normInputs(work, norm, kept), dy]),
  backward(work, norm, kept, { dy, mapWeights, each }) {
    const attributes = [attribute.float('epsilon', norm.epsilon), attribute.bool('is_training', work.training)];
    const gradients = withOptional([dy ?? undefined, mapWeights, each], ([first, ...rest]) => {
      const inputs = [first as tf.Tensor, ...normInputs(work, norm, kept), ...rest];
      return executeKernels('CrosscheckNormSiluGradient', attributes, inputs, 3);
    });
    const [dx, dScale, dOffset] = gradients as [tf.Tensor, tf.Tensor, tf.Tensor];
    work.learn(`${norm.name}.weight`, () => view(dScale));
    work.learn(`${norm.name}.bias`, () => view(dOffset));
    release(dScale, dOffset, kept);
    return dx;
  },
};

const ownKernel = (name: string, { epsilon }: BatchNorm, inputs: tf.Tensor[]) =>
  executeKernel(name, [attribute.float('epsilon', epsilon)], inputs);

function normInputs(work: Work, norm: BatchNorm, { x, statistics: { ofBatch } }: KeptBatchNorm): tf.Tensor[] {
  return [x, ...affine(work, norm), ...(ofBatch ? [ofBatch.mean, ofBatch.variance] : running(work, norm))];
}

/** Our kernels take a tensor without elements for what is left out. */
function withOptional<R>(inputs: (tf.Tensor | undefined)[], compute: (inputs: tf.Tensor[]) => R): R {
  const nothing = tf.tensor1d([], 'float32');
  return consume(nothing, () => compute(inputs.map((input) => input ?? nothing)));
}
