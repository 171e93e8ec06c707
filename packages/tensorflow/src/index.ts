export { type Bfloat16Tensor, matMulBfloat16, toBfloat16 } from './bfloat16.ts';
export { abortCollectives, allReduce, allReduceBfloat16, checkPeer, openCollectives } from './collective.ts';
export { constant, constantIntegers, nothing } from './constants.ts';
export { describeTensorflow, type TensorflowInfo, tensorflowInfo } from './info.ts';
export { type Attribute, attribute, executeKernel, executeKernels, isShared } from './kernels.ts';
export { hasOwnKernels } from './own-kernels.ts';
export * as tf from './tfjs.ts';
