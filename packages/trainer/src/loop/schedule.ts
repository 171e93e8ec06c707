import type { TrainConfig } from '@crosscheck/config';
import { constant, cosine, oneCycle, type Schedule } from '@crosscheck/engine';
import { epochsWithoutImprovement } from '../consumers/early-stopping.ts';
import type { EpochMetrics } from './events.ts';
import type { EpochRecord } from './history.ts';
import type { Phase, SchedulerName } from './phases.ts';

interface Course {
  training: TrainConfig['training'];
  phase: Phase;
  stepsPerEpoch: number;
  /** Steps after the warm-up. */
  steps: number;
  history: readonly EpochRecord[];
}

const courses: Readonly<Record<SchedulerName, (course: Course) => Schedule>> = {
  onecycle: ({ phase, steps }) => oneCycle({ maxLr: phase.learningRate, totalSteps: steps }),
  cosine: ({ training, phase, steps }) =>
    cosine({ maxLr: phase.learningRate, minLr: training.min_lr, totalSteps: steps }),
  cosine_restarts: ({ training, phase, stepsPerEpoch }) =>
    cosineRestarts({
      maxLr: phase.learningRate,
      minLr: training.min_lr,
      firstSteps: training.restart_epochs * stepsPerEpoch,
      factor: training.restart_factor,
    }),
  plateau: (course) => () => ({ learningRate: plateauRate(course) }),
  constant: ({ phase }) => constant(phase.learningRate),
};

/**
 * The learning rate over one phase. `history` is the run's live list of epochs: reduce-on-plateau looks at it, so that a resumed run
 * goes on with the rate that it had.
 */
export function buildSchedule(
  { training }: TrainConfig,
  phase: Phase,
  stepsPerEpoch: number,
  history: readonly EpochRecord[],
): Schedule {
  const steps = Math.max(1, phase.numEpochs * stepsPerEpoch - phase.warmupSteps);
  return withWarmup(courses[phase.scheduler]({ training, phase, stepsPerEpoch, steps, history }), phase.warmupSteps);
}

/** A linear rise to the schedule's first rate, reached in step `steps`; the schedule itself begins there. */
export function withWarmup(schedule: Schedule, steps: number): Schedule {
  return (step) => {
    if (step >= steps) return schedule(step - steps);
    const first = schedule(0);
    return { ...first, learningRate: (first.learningRate * (step + 1)) / (steps + 1) };
  };
}

/** Cosines that begin anew, each `factor` times as long as the last (Loshchilov and Hutter 2017), as torch's CosineAnnealingWarmRestarts. */
export function cosineRestarts(options: {
  maxLr: number;
  minLr: number;
  firstSteps: number;
  factor: number;
}): Schedule {
  const { maxLr, minLr, firstSteps, factor } = options;
  return (step) => {
    let [begin, length] = [0, firstSteps];
    while (step >= begin + length) [begin, length] = [begin + length, length * factor];
    return cosine({ maxLr, minLr, totalSteps: length })(step - begin);
  };
}

/** The rate, lowered each time that validation has stood still for `plateau_patience` epochs since it was lowered last. */
function plateauRate({ training, phase, history }: Course): number {
  const epochs = history.filter(({ phaseIndex }) => phaseIndex === phase.index).map(({ metrics }) => metrics);
  const times = countPlateaus(epochs, phase, training.plateau_patience);
  return Math.max(Math.min(training.min_lr, phase.learningRate), phase.learningRate * training.plateau_factor ** times);
}

function countPlateaus(epochs: readonly EpochMetrics[], { earlyStopping }: Phase, patience: number): number {
  let [times, since] = [0, 0];
  for (let seen = 1; seen <= epochs.length; seen++) {
    const waited = epochsWithoutImprovement(earlyStopping, epochs.slice(0, seen));
    since = waited === 0 ? 0 : since + 1;
    if (since >= patience) [times, since] = [times + 1, 0];
  }
  return times;
}
