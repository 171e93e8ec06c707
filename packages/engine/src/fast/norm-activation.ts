// What follows nearly every convolution of EfficientNet: batch norm, then SiLU or ReLU6. Only the convolution's result x and its statistics are
// kept; y = f(norm(x)) is computed where it is needed, as often as it is needed: that costs less than the traffic of keeping it.
//
// Shapes: x, y [B, H, W, C]; a map is one channel of one sample.
import { attribute, executeKernel, executeKernels, nothing, type tf } from '@crosscheck/tensorflow';
import { affine, batchNorm, batchNormAgain, batchNormBackward, moveStatistics, running } from './batch-norm.ts';
import {
  add,
  broadcast,
  consume,
  mapMean,
  multiply,
  perMap,
  release,
  relu6,
  relu6Gradient,
  scale,
  silu,
  siluGradient,
  view,
} from './kernels.ts';
import type { ActivatedNorm, NormActivation, Normalised, Upstream, Work } from './work.ts';

const functions = {
  silu: { forward: silu, backward: siluGradient },
  relu6: { forward: relu6, backward: relu6Gradient },
};

/** Of TensorFlow's own kernels, on any device. */
export function composedNorm(work: Work): NormActivation {
  const activate: NormActivation['activate'] = (norm, { x, statistics }, mapWeights) => {
    const y = consume(batchNormAgain(work, norm, x, statistics), functions[norm.function].forward);
    return mapWeights ? consume(y, () => consume(perMap(mapWeights), (weights) => multiply(y, weights))) : y;
  };
  return {
    activate,
    statistics(norm, x) {
      const { y, kept } = batchNorm(work, norm, x);
      y.dispose();
      return kept;
    },
    mapMeans: (norm, of) => consume(activate(norm, of), mapMean),
    mapProducts(norm, of, dy) {
      const [, H, W] = dy.shape as [number, number, number, number];
      const product = consume(activate(norm, of), (y) => multiply(y, dy));
      return consume(consume(product, mapMean), (mean) => scale(mean, H * W));
    },
    backward(norm, of, upstream) {
      const dy = upstreamGradient(upstream, of.x.shape);
      const normalised = batchNormAgain(work, norm, of.x, of.statistics);
      const { backward } = functions[norm.function];
      const dNormalised = consume(dy, () => consume(normalised, () => backward(normalised, dy)));
      return consume(dNormalised, (d) => batchNormBackward(work, norm, of, d));
    },
  };
}

/** dy · mapWeights + each, [B, H, W, C] */
function upstreamGradient({ dy, mapWeights, each }: Upstream, shape: number[]): tf.Tensor {
  if (!dy) return consume(perMap(each as tf.Tensor), (constant) => broadcast(constant, shape));
  const weighed = mapWeights ? consume(perMap(mapWeights), (weights) => multiply(dy, weights)) : view(dy);
  return each ? consume(weighed, () => consume(perMap(each), (constant) => add(weighed, constant))) : weighed;
}

/** Of the kernels of packages/tensorflow/native, which take `nothing` for what is left out: a pass over the memory for each function, two for the gradient. */
export function ownNorm(work: Work): NormActivation {
  const inputsOf = (norm: ActivatedNorm, { x, statistics: { ofBatch } }: Normalised): tf.Tensor[] => [
    x,
    ...affine(work, norm),
    ...(ofBatch ? [ofBatch.mean, ofBatch.variance] : running(work, norm)),
  ];
  const run = (kernel: string, norm: ActivatedNorm, inputs: tf.Tensor[]) =>
    executeKernel(kernel, attributesOf(norm), inputs);
  return {
    statistics(norm, x) {
      if (!work.training) return { ofBatch: null, reserved: [] };
      const [mean, variance] = executeKernels('CrosscheckChannelMoments', [], [x], 2) as [tf.Tensor, tf.Tensor];
      const count = x.size / (x.shape[3] as number);
      const unbiased = scale(variance, count / Math.max(count - 1, 1)); // [C]
      consume(unbiased, () => moveStatistics(work, norm, mean, unbiased));
      return { ofBatch: { mean, variance }, reserved: [] };
    },
    activate: (norm, of, mapWeights = nothing()) =>
      run('CrosscheckNormActivation', norm, [...inputsOf(norm, of), mapWeights]),
    mapMeans(norm, of) {
      const [, H, W] = of.x.shape as [number, number, number, number];
      const sum = run('CrosscheckNormActivationSum', norm, [...inputsOf(norm, of), nothing()]);
      return consume(sum, () => scale(sum, 1 / (H * W)));
    },
    mapProducts: (norm, of, dy) => run('CrosscheckNormActivationSum', norm, [...inputsOf(norm, of), dy]),
    backward(norm, of, { dy, mapWeights = nothing(), each = nothing() }) {
      const attributes = [...attributesOf(norm), attribute.bool('is_training', work.training)];
      const inputs = [dy ?? nothing(), ...inputsOf(norm, of), mapWeights, each];
      const gradients = executeKernels('CrosscheckNormActivationGradient', attributes, inputs, 3);
      const [dx, dScale, dOffset] = gradients as [tf.Tensor, tf.Tensor, tf.Tensor];
      work.learn(`${norm.name}.weight`, () => view(dScale));
      work.learn(`${norm.name}.bias`, () => view(dOffset));
      release(dScale, dOffset);
      return dx;
    },
  };
}

const attributesOf = ({ epsilon, function: activation }: ActivatedNorm) => [
  attribute.float('epsilon', epsilon),
  attribute.string('activation', activation),
];
