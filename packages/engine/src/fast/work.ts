import type { tf } from '@crosscheck/tensorflow';
import type { Pass } from '../layers/pass.ts';
import type { ActivatedNorm } from './activated-norm.ts';
import type { HeadAttention } from './attention.ts';
import type { Convolution } from './convolution.ts';
import type { RowDropoutMaker } from './dropout.ts';
import type { Gelu } from './gelu.ts';
import type { LayerNorm } from './layer-norm.ts';

/** Layers that exist in two implementations: of TensorFlow's own kernels, and of ours. */
export interface KernelSet {
  norm: ActivatedNorm;
  /** One filter per channel. x [B, H, W, C], filter [k, k, C, 1] → [B, ⌈H/s⌉, ⌈W/s⌉, C] */
  depthwise(name: string, stride: number): Convolution;
  heads: HeadAttention;
  gelu: Gelu;
  layerNorm: LayerNorm;
  rowDropout: RowDropoutMaker;
}

/**
 * A pass with a way back. Every layer here is a pair of functions: `f` computes and returns what it keeps, `fBackward` turns the
 * gradient of its output into that of its input, frees what was kept, and hands over the gradients of its parameters.
 * Inputs, also dy, stay the caller's.
 */
export interface Work extends Pass {
  readonly kernels: KernelSet;
  /** Large matrix products in bfloat16. */
  readonly mixedPrecision: boolean;
  /** Whether the gradient of any parameter whose name starts so is asked for: what lies before the first of them has no way back. */
  learns(prefix: string): boolean;
  /** Takes the gradient of a parameter; it is computed only if somebody asked for it. */
  learn(name: string, gradient: () => tf.Tensor): void;
}

/** A layer's output, and what its way back needs of it. */
export interface Forward<Kept> {
  y: tf.Tensor;
  kept: Kept;
}
