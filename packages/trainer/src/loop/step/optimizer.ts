import type { TrainConfig } from '@crosscheck/config';
import { type AdamOptions, createAdam, createAdamW, type Model, type Optimizer } from '@crosscheck/engine';
import { distanceFromHeads } from '../blocks.ts';
import type { Phase } from '../phases.ts';

/** The optimizer of a phase, with `training.adam_*` and the weight decay that the phase asks for. */
export function buildOptimizer(
  { training }: TrainConfig,
  phase: Phase,
  { tensors, architecture }: Pick<Model, 'tensors' | 'architecture'>,
): Optimizer {
  // Biases and the scales of norms are the vectors among the parameters.
  const isVector = (name: string) => (tensors.get(name)?.shape.length ?? 0) <= 1;
  const { layerDecay } = phase;
  const options: Partial<AdamOptions> = {
    weightDecay: phase.weightDecay,
    beta1: training.adam_beta1,
    beta2: training.adam_beta2,
    epsilon: training.adam_epsilon,
    ...(training.no_decay_on_bias_and_norm ? { decays: (name: string) => !isVector(name) } : {}),
    ...(layerDecay === 1
      ? {}
      : { learningRateScale: (name: string) => layerDecay ** distanceFromHeads(name, architecture) }),
  };
  return phase.optimizer === 'adamw' ? createAdamW(options) : createAdam(options);
}
