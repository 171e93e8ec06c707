// Everything that layers compute with, on TensorFlow's kernels and ours.
import type { Convolution, Dropout, Ops, Tensor } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import type { Packing } from '../packing.ts';
import { lacksAny } from '../presence.ts';
import { batchNorm, batchNormBackward } from './batch-norm.ts';
import { denseConvolution, pointwiseConvolution } from './convolution.ts';
import { drawMask, drop } from './dropout.ts';
import * as kernels from './kernels.ts';
import { mixedProducts } from './mixed-products.ts';
import type { NormActivation, Work } from './work.ts';

/** With the layers that exist only here, which rewrites put in the place of several. */
export interface FastOps extends Ops {
  readonly norm: NormActivation;
}

const { consume } = kernels;
const t = (x: Tensor) => x as tf.Tensor;

export function fastOps(work: Work): FastOps {
  return {
    ...ofPass(work),
    ...elementwise,
    ...matrices(work),
    ...sequences,
    ...maps(work),
    ...features(work),
    ...dropout(work),
    norm: work.kernels.norm(work),
  };
}

const ofPass = (work: Work) => ({
  weight: (name: string) => work.weight(name),
  learn: (name: string, gradient: () => Tensor) => work.learn(name, gradient),
  tokens: work.tokens as Packing,
  presence(part: 'image' | 'text') {
    const has = part === 'image' ? work.marks.hasImage : work.marks.hasText;
    return lacksAny(has) ? has : null;
  },
  constant: (values: Float32Array, shape: readonly number[]) => tf.tensor(values, [...shape]),
});

const elementwise = {
  add: kernels.add,
  subtract: kernels.subtract,
  multiply: kernels.multiply,
  scale: kernels.scale,
  shift: kernels.shift,
  abs: kernels.abs,
  sign: kernels.sign,
  relu: kernels.relu,
  relu6: kernels.relu6,
  silu: kernels.silu,
  sigmoid: kernels.sigmoid,
  tanh: kernels.tanh,
  reluGradient: kernels.reluGradient,
  relu6Gradient: kernels.relu6Gradient,
  sigmoidGradient: kernels.sigmoidGradient,
  tanhGradient: kernels.tanhGradient,
  siluGradient: kernels.siluGradient,
  view: kernels.view,
};

const products = { none: kernels.matMul, left: kernels.matMulLeft, right: kernels.matMulRight };

function matrices(work: Work) {
  const multiply = work.mixedPrecision ? mixedProducts : products;
  return {
    product: (a: Tensor, b: Tensor, transposed?: 'left' | 'right') => multiply[transposed ?? 'none'](t(a), t(b)),
    addBias: kernels.addBias,
    columnSum: kernels.biasGradient,
    softmax: kernels.softmax,
    softmaxGradient: kernels.softmaxGradient,
    concat: (parts: readonly Tensor[]) => tf.concat(parts.map(t), -1),
    split: (x: Tensor, sizes: readonly number[]) => tf.split(t(x), [...sizes], -1),
    reshape: (x: Tensor, shape: readonly number[]) => kernels.reshape(t(x), [...shape]),
    gatherRows: kernels.gatherRows,
    scatterRows: kernels.scatterRows,
  };
}

type Rank3 = [B: number, N: number, E: number];

/** Rows of each sample, [B, N, E]. */
const sequences = {
  firstRow(x: Tensor) {
    const [B, , E] = x.shape as Rank3;
    return consume(tf.slice(t(x), [0, 0, 0], [B, 1, E]), (first) => kernels.reshape(first, [B, E]));
  },
  firstRowGradient(x: Tensor, dy: Tensor) {
    const [B, N, E] = x.shape as Rank3;
    const zerosBehind: [number, number][] = [
      [0, 0],
      [0, N - 1],
      [0, 0],
    ]; // prettier-ignore
    return consume(kernels.reshape(t(dy), [B, 1, E]), (first) => tf.pad(first, zerosBehind));
  },
  meanOfRows: (x: Tensor) => tf.mean(t(x), 1),
  meanOfRowsGradient(x: Tensor, dy: Tensor) {
    const [B, N, E] = x.shape as Rank3;
    const share = consume(kernels.scale(t(dy), 1 / N), (d) => kernels.reshape(d, [B, 1, E]));
    return consume(share, (d) => kernels.broadcast(d, [B, N, E]));
  },
  splitHeads: (x: Tensor, heads: number) => kernels.splitHeads(t(x), heads),
  mergeHeads: (x: Tensor) => kernels.mergeHeads(t(x)),
};

/** [B, H, W, C] */
function maps(work: Work) {
  const sizeOf = ({ shape }: Tensor) => (shape[1] as number) * (shape[2] as number);
  const of = (options: Convolution) => convolutionOf(work, options);
  return {
    convolution: (x: Tensor, filter: Tensor, options: Convolution) => of(options).forward(t(x), t(filter), options),
    // oxlint-disable-next-line max-params -- x, filter and dy of a convolution
    convolutionInputGradient: (x: Tensor, filter: Tensor, dy: Tensor, options: Convolution) =>
      of(options).inputGradient(t(x), t(filter), t(dy), options),
    // oxlint-disable-next-line max-params -- x, filter and dy of a convolution
    convolutionFilterGradient: (x: Tensor, filter: Tensor, dy: Tensor, options: Convolution) =>
      of(options).filterGradient(t(x), t(filter), t(dy), options),
    batchNorm: (x, norm) => batchNorm(work, norm, t(x)),
    batchNormGradient: (x, norm, kept, dy) =>
      batchNormBackward(work, norm, { x: t(x), statistics: kept as never }, t(dy)),
    mapMean: kernels.mapMean,
    mapMeanGradient(x, dy) {
      const share = consume(kernels.scale(t(dy), 1 / sizeOf(x)), kernels.perMap);
      return consume(share, (d) => kernels.broadcast(d, [...x.shape]));
    },
    scaleMaps: (x, factors) => consume(kernels.perMap(t(factors)), (f) => kernels.multiply(t(x), f)),
    mapProducts(a, b) {
      const mean = consume(kernels.multiply(t(a), t(b)), kernels.mapMean);
      return consume(mean, (m) => kernels.scale(m, sizeOf(a)));
    },
  } satisfies Partial<Ops>;
}

/** The fastest of the implementations that can do it. */
function convolutionOf({ kernels: set }: Work, { kernel, stride, isDepthwise }: Convolution) {
  if (isDepthwise) return set.depthwise;
  return kernel === 1 && stride === 1 ? pointwiseConvolution : denseConvolution;
}

/** Rows of features, and what the text backbone does with them. */
function features(work: Work) {
  const { layerNorm, heads, gelu } = work.kernels;
  const tokens = work.tokens as Packing;
  return {
    gelu: gelu.forward,
    geluGradient: gelu.backward,
    layerNorm: (x, norm) => layerNorm.forward(work, norm, t(x)),
    layerNormAgain: (x, norm, kept) => layerNorm.again(work, norm, t(x), kept as never),
    layerNormGradient: (x, norm, kept, dy) =>
      layerNorm.backward(work, norm, { x: t(x), kept: kept as never, dy: t(dy) }),
    attention: (rows, options) => heads.forward(work, tokens, options, rows),
    attentionGradient: (kept, options, dy) => heads.backward(work, tokens, { options, kept, dy: t(dy) }),
    spreadTokens(x) {
      const { places, size, length } = tokens;
      const spread = kernels.scatterRows(t(x), places, size * length);
      return consume(spread, (rows) => kernels.reshape(rows, [size, length, x.shape[1] as number]));
    },
    gatherTokens(x) {
      const rows = kernels.reshape(t(x), [-1, x.shape[2] as number]);
      return consume(rows, (all) => kernels.gatherRows(all, tokens.places));
    },
    meanOfTokens: (x) => consume(tokens.shares(), (shares) => kernels.matMul(shares, t(x))),
    meanOfTokensGradient: (dy) => consume(tokens.shares(), (shares) => kernels.matMulLeft(shares, t(dy))),
  } satisfies Partial<Ops>;
}

function dropout(work: Work) {
  const { rowDropout } = work.kernels;
  const tokens = work.tokens as Packing;
  const isOfRows = ({ of }: Dropout) => of === 'tokens' || of === 'first';
  return {
    dropout(x, options) {
      if (isOfRows(options)) return rowDropout.forward(work, tokens, options, t(x));
      const shape = options.of === 'samples' ? x.shape.map((size, axis) => (axis === 0 ? size : 1)) : [...x.shape];
      const mask = drawMask(work, { ...options, shape });
      return { y: drop(t(x), mask), ...(mask && { kept: { mask } }) };
    },
    dropoutGradient(dy, options, kept) {
      if (isOfRows(options)) return rowDropout.again(work, tokens, options, { x: t(dy), kept });
      return drop(t(dy), (kept as { mask: tf.Tensor } | undefined)?.mask ?? null);
    },
  } satisfies Partial<Ops>;
}
