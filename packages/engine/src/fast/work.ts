// What the parts of the fast engine are to each other, by their types.
import type { Attention, AttentionRows, Dropout, Kept, Norm, Tensor } from '@crosscheck/network';
import type { tf } from '@crosscheck/tensorflow';
import type { Packing } from '../packing.ts';
import type { Pass } from '../pass.ts';
import type { Presence } from '../presence.ts';
import type { ConvolutionKernel } from './convolution.ts';
import type { Gelu } from './gelu.ts';

/** Over what a batch norm has normalised its batch. */
export interface Statistics {
  /** The batch's own mean and biased variance; null where the running statistics were used. */
  ofBatch: { mean: tf.Tensor; variance: tf.Tensor } | null;
  /** What TensorFlow's kernel hands to its gradient; its meaning differs between devices. */
  reserved: tf.Tensor[];
}

/** Each row's statistics: the normalised rows are cheap to compute again. */
export interface RowStatistics {
  mean: tf.Tensor; // [N, 1] or [N]
  inverseStd: tf.Tensor; // [N, 1] or [N]
}

export interface GivenBack {
  x: tf.Tensor; // [N, H]
  kept: RowStatistics;
  dy: tf.Tensor; // [N, H]
}

export interface ActivatedNorm extends Norm {
  function: 'silu' | 'relu6';
}

/** What has been normalised, and over what. */
export interface Normalised {
  x: tf.Tensor;
  statistics: Statistics;
}

/** The gradient of y is dy · mapWeights + each; what is left out is 0, or 1 for the weights. */
export interface Upstream {
  dy: tf.Tensor | null; // [B, H, W, C]
  mapWeights?: tf.Tensor; // [B, C]
  each?: tf.Tensor; // [B, C]
}

/** The dropout of rows of tokens [N, H], in one of its implementations: the mask is that of all B · L places. */
export interface RowDropout {
  forward(work: Work, tokens: Packing, options: Dropout, x: tf.Tensor): Kept;
  /** The same once more, of the output's gradient or of the input. */
  again(work: Work, tokens: Packing, options: Dropout, given: { x: tf.Tensor; kept: object | undefined }): tf.Tensor;
}

/** In one of its implementations. */
export interface LayerNorm {
  /** Normalises every row of x, then scales and shifts. */
  forward(work: Work, norm: Norm, x: tf.Tensor): { y: tf.Tensor; kept: RowStatistics };
  /** The layer's output once more. */
  again(work: Work, norm: Norm, x: tf.Tensor, kept: RowStatistics): tf.Tensor;
  /** dx = (dŷ − mean(dŷ) − x̂ · mean(dŷ · x̂)) / std with dŷ = dy · scale */
  backward(work: Work, norm: Norm, given: GivenBack): tf.Tensor;
}

/** The pair of layers, in one of its implementations. */
export interface NormActivation {
  /** In a training pass the running statistics move. */
  statistics(norm: ActivatedNorm, x: tf.Tensor): Statistics;
  /** y, or y times the weight [B, C] of each map. */
  activate(norm: ActivatedNorm, of: Normalised, mapWeights?: tf.Tensor): tf.Tensor;
  /** Mean of y over each map, [B, C] */
  mapMeans(norm: ActivatedNorm, of: Normalised): tf.Tensor;
  /** Σ y · dy over each map, [B, C] */
  mapProducts(norm: ActivatedNorm, of: Normalised, dy: tf.Tensor): tf.Tensor;
  /** The gradient of x. */
  backward(norm: ActivatedNorm, of: Normalised, upstream: Upstream): tf.Tensor;
}

/** What happens between the projections of an attention, head by head. */
export interface HeadAttention {
  /** y [N, H] */
  forward(work: Work, tokens: Packing, options: Attention, rows: AttentionRows): { y: tf.Tensor; kept: object };
  /** dy [N, H] → the gradients of the rows. */
  backward(work: Work, tokens: Packing, given: { options: Attention; kept: object; dy: tf.Tensor }): AttentionRows;
}

/** What exists in two implementations: of TensorFlow's own kernels, and of ours. */
export interface KernelSet {
  norm(work: Work): NormActivation;
  depthwise: ConvolutionKernel;
  heads: HeadAttention;
  gelu: Gelu;
  layerNorm: LayerNorm;
  rowDropout: RowDropout;
}

/** What one pass computes with, beside the layers' own arguments. */
export interface Work extends Pass {
  readonly kernels: KernelSet;
  /** Large matrix products in bfloat16. */
  readonly mixedPrecision: boolean;
  /** Null where texts are not read. */
  readonly tokens: Packing | null;
  readonly marks: Presence;
  /** Takes the gradient of a parameter; it is computed only if somebody asked for it. */
  learn(name: string, gradient: () => Tensor): void;
}
