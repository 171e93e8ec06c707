import type { TrainConfig } from '@crosscheck/config';
import {
  type AdamOptions,
  constant,
  cosine,
  createAdam,
  createAdamW,
  type Model,
  type Optimizer,
  oneCycle,
  type Schedule,
} from '@crosscheck/model';
import type { Phase } from './phases.ts';

/** The optimizer of a phase, with `training.adam_*` and the weight decay that the phase asks for. */
export function buildOptimizer(
  { training }: TrainConfig,
  phase: Phase,
  { tensors }: Pick<Model, 'tensors'>,
): Optimizer {
  // Biases and the scales of norms are the vectors among the parameters.
  const isVector = (name: string) => (tensors.get(name)?.shape.length ?? 0) <= 1;
  const options: Partial<AdamOptions> = {
    weightDecay: phase.weightDecay,
    beta1: training.adam_beta1,
    beta2: training.adam_beta2,
    epsilon: training.adam_epsilon,
    ...(training.no_decay_on_bias_and_norm ? { decays: (name: string) => !isVector(name) } : {}),
  };
  return phase.optimizer === 'adamw' ? createAdamW(options) : createAdam(options);
}

/** The learning rate over one phase: OneCycle per batch as in the original, a cosine down to `training.min_lr`, or constant. */
export function buildSchedule({ training }: TrainConfig, phase: Phase, stepsPerEpoch: number): Schedule {
  const { learningRate, numEpochs } = phase;
  const totalSteps = numEpochs * stepsPerEpoch;
  if (!phase.useScheduler) return constant(learningRate);
  return training.scheduler === 'cosine'
    ? cosine({ maxLr: learningRate, minLr: training.min_lr, totalSteps })
    : oneCycle({ maxLr: learningRate, totalSteps });
}
