export type { GradientStep, Gradients, TrainingInput } from './gradients.ts';
export type { Features, ModelInput } from './input.ts';
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
export type { Texts } from './packing.ts';
export type { Pass } from './pass.ts';
export type { Presence } from './presence.ts';
export type { ModelOptions } from './state.ts';
export { loadTextBackbone, loadVisionBackbone, loadWeights, modelTensors } from './transfer.ts';
