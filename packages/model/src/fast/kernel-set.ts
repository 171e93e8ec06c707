import { hasOwnKernels } from '@crosscheck/tensorflow';
import { composedNorm, ownNorm } from './activated-norm.ts';
import { composedDepthwise, ownDepthwise } from './convolution.ts';
import type { KernelSet } from './work.ts';

/** TensorFlow's own kernels, on any device. */
export const composedKernels: KernelSet = { norm: composedNorm, depthwise: composedDepthwise };

/** Those of packages/tensorflow/native in the places where they are faster. */
export const ownKernels: KernelSet = { norm: ownNorm, depthwise: ownDepthwise };

/** The set that this process can use. */
export const bestKernels: KernelSet = hasOwnKernels ? ownKernels : composedKernels;
