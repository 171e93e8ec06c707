import { CrosscheckError } from '@crosscheck/contract';
import type { Phase } from './phases.ts';

/** Where training stood when its numbers ceased to be finite. */
export interface Divergence {
  phase: Pick<Phase, 'name'>;
  /** Counted over the whole run, from 1. */
  epoch: number;
  /** Optimizer steps done. */
  step: number;
  /** Of the last step that was taken; null before the first. */
  lastLoss: number | null;
  learningRate: number;
  clipNorm: number | null;
  mixedPrecision: boolean;
}

/** What is not finite, in words that stand before and behind the place: `validation` … `gave answers that are not finite`. */
export type NotFinite = readonly [what: string, how: string];

/** A run that cannot go on. */
export function divergedError([what, how]: NotFinite, at: Divergence): CrosscheckError {
  const { phase, epoch, step, lastLoss, learningRate, clipNorm, mixedPrecision } = at;
  const before =
    lastLoss === null ? 'no step had a finite loss' : `the last finite loss was ${Number(lastLoss.toPrecision(4))}`;
  const remedies = [
    `lower training.learning_rate or the phase's own (it was ${Number(learningRate.toPrecision(4))})`,
    clipNorm === null ? 'set training.clip_norm=1.0' : 'lower training.clip_norm',
    ...(mixedPrecision ? ['set training.mixed_precision=false'] : []),
  ];
  return new CrosscheckError(
    'CROSSCHECK_TRAINING_DIVERGED',
    `${what} after step ${step} of phase ${phase.name}, in epoch ${epoch}, ${how}; ${before}; ` +
      `${remedies.join(', ')}, or look for bad samples. The last good checkpoint is kept`,
  );
}
