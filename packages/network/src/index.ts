export { textPrefix } from './bert.ts';
export { visionPrefix } from './efficientnet.ts';
export * from './efficientnet-variants.ts';
export * from './freeze.ts';
export * from './graph/ops.ts';
export * from './graph/tensors.ts';
export * from './graph/value.ts';
export { type Activation, isActivation } from './layers/activation.ts';
export { type BatchNormOptions, batchNormLayer } from './layers/batch-norm.ts';
export { type ConvolutionOptions, convolutionAttributes, convolutionLayer, paddingOf } from './layers/convolution.ts';
export { isInput } from './layers/input.ts';
export { poolLayer } from './layers/pool.ts';
export {
  type ChannelGate,
  gateBackward,
  gateForward,
  type SqueezeExciteOptions,
  squeezeExciteLayer,
} from './layers/squeeze-excite.ts';
export * from './layout.ts';
export * from './network.ts';
export * from './onnx/context.ts';
export { GraphBuilder } from './onnx/graph-builder.ts';
export * from './onnx/types.ts';
export * from './parameters.ts';
export { onlyFirstToken } from './rewrites/first-token.ts';
export * from './summary.ts';
export * from './tensor.ts';
export * from './text-variants.ts';
