// What layers compute with, on tfjs's operations, whose tape differentiates them: slow, hungry, and with other gradients than the layers' own.
import type { Convolution, ForwardOps, Tensor } from '@crosscheck/network';
import { attribute, executeKernel, executeKernels, tf } from '@crosscheck/tensorflow';
import { convolutionAttributes, denseKernels, depthwiseKernels } from '../fast/convolution.ts';
import type { Packing } from '../packing.ts';
import { type Pass, survivalMask } from '../pass.ts';
import { lacksAny, type Presence } from '../presence.ts';
import { elementwise, withGradient } from './with-gradient.ts';

const t = (x: Tensor) => x as tf.Tensor;

export function oracleOps(pass: Pass, { tokens, marks }: { tokens: Packing | null; marks: Presence }): ForwardOps {
  const there = tokens as Packing;
  return {
    weight: (name) => pass.weight(name),
    tokens: there,
    presence: (part) => {
      const has = part === 'image' ? marks.hasImage : marks.hasText;
      return lacksAny(has) ? has : null;
    },
    constant: (values, shape) => tf.tensor(values, [...shape]),
    add: (a, b) => tf.add(t(a), t(b)),
    subtract: (a, b) => tf.sub(t(a), t(b)),
    multiply: (a, b) => tf.mul(t(a), t(b)),
    scale: (x, factor) => tf.mul(t(x), factor),
    shift: (x, offset) => tf.add(t(x), offset),
    abs: (x) => tf.abs(t(x)),
    relu: (x) => tf.relu(t(x)),
    relu6: (x) => tf.relu6(t(x)),
    silu: (x) => silu(t(x)),
    gelu: (x) => gelu(t(x)),
    sigmoid: (x) => tf.sigmoid(t(x)),
    tanh: (x) => tf.tanh(t(x)),
    view: (x) => t(x).clone(),
    product: (a, b, transposed) => tf.matMul(t(a), t(b), transposed === 'left', transposed === 'right'),
    addBias: (x, bias) => tf.add(t(x), t(bias)),
    softmax: (x) => tf.softmax(t(x)),
    concat: (parts) => tf.concat(parts.map(t), -1),
    reshape: (x, shape) => tf.reshape(t(x), [...shape]),
    firstRow: (x) => tf.squeeze(tf.slice(t(x), [0, 0, 0], [-1, 1, -1]), [1]),
    meanOfRows: (x) => tf.mean(t(x), 1),
    gatherRows: (x, rows) => tf.gather(t(x), t(rows) as tf.Tensor1D),
    splitHeads(x, heads) {
      const [B, K, E] = x.shape as [number, number, number];
      return tf.transpose(tf.reshape(t(x), [B, K, heads, E / heads]), [0, 2, 1, 3]);
    },
    mergeHeads(x) {
      const [B, A, K, D] = x.shape as [number, number, number, number];
      return tf.reshape(tf.transpose(t(x), [0, 2, 1, 3]), [B, K, A * D]);
    },
    convolution: (x, filter, options) => convolution(t(x), t(filter), options),
    batchNorm: (x, norm) => ({ y: batchNorm(pass, norm.name, t(x), norm.epsilon) }),
    mapMean: (x) => tf.mean(t(x), [1, 2]),
    scaleMaps: (x, factors) => tf.mul(t(x), tf.expandDims(tf.expandDims(t(factors), 1), 1)),
    layerNorm: (x, norm) => ({ y: layerNorm(pass, norm.name, t(x), norm.epsilon) }),
    attention(rows, { heads, rate, site, rows: asking }) {
      if (asking === 'first') throw new Error('the oracle computes every token');
      const [H = 1] = rows.query.shape.slice(1);
      const { size: B, length: L, bias } = there;
      const split = (x: Tensor) => tf.transpose(tf.reshape(t(x), [B, L, heads, H / heads]), [0, 2, 1, 3]); // [B, A, L, D]
      const query = split(tf.mul(t(rows.query), 1 / Math.sqrt(H / heads)));
      const scores = tf.add(tf.matMul(query, split(rows.key), false, true), bias); // [B, A, L, L]
      const weights = drop(pass, tf.softmax(scores), { rate, site });
      const context = tf.matMul(weights, split(rows.value)); // [B, A, L, D]
      return { y: tf.reshape(tf.transpose(context, [0, 2, 1, 3]), [B * L, H]) };
    },
    spreadTokens: (x) => tf.reshape(t(x), [there.size, there.length, x.shape[1] as number]),
    meanOfTokens(x) {
      const { size: B, length: L, bias } = there;
      const isToken = tf.cast(tf.equal(tf.reshape(bias, [B, L, 1]), 0), 'float32'); // [B, L, 1]
      const sum = tf.sum(tf.mul(tf.reshape(t(x), [B, L, x.shape[1] as number]), isToken), 1); // [B, H]
      return tf.div(sum, tf.maximum(tf.sum(isToken, 1), 1));
    },
    dropout(x, { rate, site, of }) {
      const shape = of === 'samples' ? x.shape.map((size, axis) => (axis === 0 ? size : 1)) : undefined;
      return { y: drop(pass, t(x), { rate, site, ...(shape && { shape }) }) };
    },
  };
}

function drop(
  pass: Pass,
  x: tf.Tensor,
  { rate, site, shape = x.shape }: { rate: number; site: string; shape?: number[] },
) {
  if (!pass.training || rate === 0) return x.clone();
  return tf.mul(x, survivalMask(pass, shape, rate, site));
}

/** σ′(x), given σ(x) and what to multiply it with. */
const sigmoidSlope = (sigmoid: tf.Tensor, factor: tf.Tensor) => executeKernel('SigmoidGrad', [], [sigmoid, factor]);

export const silu = (x: tf.Tensor): tf.Tensor =>
  elementwise(
    x,
    (x) => tf.mul(x, tf.sigmoid(x)),
    (x) => {
      const sigmoid = tf.sigmoid(x);
      return tf.add(sigmoid, sigmoidSlope(sigmoid, x));
    },
  );

/** The standard normal's cumulative distribution Φ and density φ. */
const normalCdf = (x: tf.Tensor) => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
const normalPdf = (x: tf.Tensor) => tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));

export const gelu = (x: tf.Tensor): tf.Tensor =>
  elementwise(
    x,
    (x) => tf.mul(x, normalCdf(x)),
    (x) => tf.add(normalCdf(x), tf.mul(x, normalPdf(x))),
  );

/** x [B, H, W, I] → [B, ⌈H/s⌉, ⌈W/s⌉, O] */
export function convolution(x: tf.Tensor, filter: tf.Tensor, options: Convolution): tf.Tensor {
  const kernels = options.isDepthwise ? depthwiseKernels : denseKernels;
  const attributes = convolutionAttributes(options);
  const shapeOf = (tensor: tf.Tensor) => tf.tensor1d(tensor.shape, 'int32');
  return withGradient([x, filter], {
    forward: () => ({ value: executeKernel(kernels.forward, attributes, [x, filter]), saved: [x, filter] }),
    backward: (dy, [x, filter]) => [
      executeKernel(kernels.inputGradient, attributes, [shapeOf(x as tf.Tensor), filter as tf.Tensor, dy]),
      executeKernel(kernels.filterGradient, attributes, [x as tf.Tensor, shapeOf(filter as tf.Tensor), dy]),
    ],
  });
}

/** With TensorFlow's fused kernel and its gradient. */
// oxlint-disable-next-line max-params -- the pass, whose parameters, of what
export function batchNorm(pass: Pass, name: string, x: tf.Tensor, epsilon: number): tf.Tensor {
  const [scale, offset] = [pass.weight(`${name}.weight`), pass.weight(`${name}.bias`)];
  const statistics = [pass.weight(`${name}.running_mean`), pass.weight(`${name}.running_var`)];
  const attributes = [
    attribute.float('epsilon', epsilon),
    attribute.string('data_format', 'NHWC'),
    attribute.bool('is_training', pass.training),
  ];
  const momentum = attribute.float('exponential_avg_factor', pass.training ? pass.batchNormMomentum : 1);
  return withGradient([x, scale, offset], {
    forward: () => {
      const inputs = [x, scale, offset, ...statistics];
      const outputs = executeKernels('FusedBatchNormV3', [...attributes, momentum], inputs, 6);
      const [value, mean, variance, ...reserved] = outputs as [tf.Tensor, tf.Tensor, tf.Tensor, ...tf.Tensor[]];
      if (pass.training) {
        pass.moveStatistic(`${name}.running_mean`, tf.keep(mean));
        pass.moveStatistic(`${name}.running_var`, tf.keep(variance));
      }
      return { value, saved: [x, scale, ...reserved] };
    },
    backward: (dy, saved) => executeKernels('FusedBatchNormGradV3', attributes, [dy, ...saved], 5).slice(0, 3),
  });
}

const rowMean = (x: tf.Tensor) => tf.mean(x, -1, true);

/** Over the last axis: [.., H] → [.., H] */
// oxlint-disable-next-line max-params -- the pass, whose parameters, of what
export function layerNorm(pass: Pass, name: string, x: tf.Tensor, epsilon: number): tf.Tensor {
  const centred = tf.sub(x, rowMean(x)); // [.., H]
  const inverseStd = tf.rsqrt(tf.add(rowMean(tf.square(centred)), epsilon)); // [.., 1]
  const normal = tf.mul(centred, inverseStd); // [.., H]
  return tf.add(tf.mul(normal, pass.weight(`${name}.weight`)), pass.weight(`${name}.bias`));
}
