import { hasOwnKernels } from '@crosscheck/tensorflow';
import { composedHeads } from './composed-heads.ts';
import { composedDepthwise, ownDepthwise } from './convolution.ts';
import { composedRowDropout, ownRowDropout } from './dropout.ts';
import { composedGelu, ownGelu } from './gelu.ts';
import { composedLayerNorm, ownLayerNorm } from './layer-norm.ts';
import { composedNorm, ownNorm } from './norm-activation.ts';
import { ownHeads } from './own-heads.ts';
import type { KernelSet } from './work.ts';

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
