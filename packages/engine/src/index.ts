export type { Features, ModelInput } from './encode.ts';
export type { GradientStep, Gradients, TrainingInput } from './gradients.ts';
export type { Pass } from './layers/pass.ts';
export type { LossOptions } from './loss.ts';
export { createModel, type Model } from './model.ts';
export {
  type AdamOptions,
  type AdamResult,
  type AdamStep,
  adamDefaults,
  createAdam,
  createAdamW,
  type Optimizer,
  type OptimizerState,
  type VariableMoments,
} from './optimizer/adam.ts';
export {
  constant,
  cosine,
  type OneCycleOptions,
  oneCycle,
  type Schedule,
  type ScheduledStep,
} from './optimizer/schedule.ts';
export type { Presence } from './presence.ts';
export { type DropoutRates, defaultDropout, type ModelOptions } from './state.ts';
export { loadTextBackbone, loadVisionBackbone, loadWeights, modelTensors } from './transfer.ts';
