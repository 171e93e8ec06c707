import type { Attention, AttentionRows } from '@crosscheck/network';
import { hasOwnKernels, type tf } from '@crosscheck/tensorflow';
import type { Packing } from '../packing.ts';
import { composedHeads } from './composed-heads.ts';
import { type ConvolutionKernel, composedDepthwise, ownDepthwise } from './convolution.ts';
import { composedRowDropout, ownRowDropout, type RowDropout } from './dropout.ts';
import { composedGelu, type Gelu, ownGelu } from './gelu.ts';
import { composedLayerNorm, type LayerNorm, ownLayerNorm } from './layer-norm.ts';
import { composedNorm, type NormActivation, ownNorm } from './norm-activation.ts';
import type { Work } from './ops.ts';
import { ownHeads } from './own-heads.ts';

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

/** TensorFlow's own kernels, on any device. */
export const composedKernels: KernelSet = {
  norm: composedNorm,
  depthwise: composedDepthwise,
  heads: composedHeads,
  gelu: composedGelu,
  layerNorm: composedLayerNorm,
  rowDropout: composedRowDropout,
};

/** Those of packages/tensorflow/native in the places where they are faster. */
export const ownKernels: KernelSet = {
  norm: ownNorm,
  depthwise: ownDepthwise,
  heads: ownHeads,
  gelu: ownGelu,
  layerNorm: ownLayerNorm,
  rowDropout: ownRowDropout,
};

/** The set that this process can use. */
export const bestKernels: KernelSet = hasOwnKernels ? ownKernels : composedKernels;
