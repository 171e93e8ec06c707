export { supportedOpsets } from './onnx/encode.ts';
export { randomWeights } from './network/random-weights.ts';
export type { WeightSource } from './network/weights.ts';
