import type { TrainConfig } from '@crosscheck/config';
import { CrosscheckError } from '@crosscheck/contract';
import type { Sample } from '@crosscheck/data';
import type { LossOptions } from '@crosscheck/engine';

/** `training.loss` as the network takes it; `balanced` is counted on the training samples. @throws CROSSCHECK_TRAINING_ONE_CLASS */
export function resolveLoss({ training }: TrainConfig, samples: readonly Pick<Sample, 'label'>[]): LossOptions {
  const { name, pos_weight, label_smoothing: labelSmoothing, focal_gamma } = training.loss;
  return {
    positiveWeight: pos_weight === 'balanced' ? balancedWeight(samples) : pos_weight,
    labelSmoothing,
    focalGamma: name === 'focal' ? focal_gamma : 0,
  };
}

function balancedWeight(samples: readonly Pick<Sample, 'label'>[]): number {
  const fake = samples.filter(({ label }) => label === 1).length;
  const real = samples.length - fake;
  if (fake > 0 && real > 0) return real / fake;
  throw new CrosscheckError(
    'CROSSCHECK_TRAINING_ONE_CLASS',
    `training.loss.pos_weight=balanced needs training posts of both labels, got ${real} REAL and ${fake} FAKE; set a number`,
  );
}
