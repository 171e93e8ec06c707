import type { TrainEvent } from '../loop/events.ts';
import type { Phase } from '../loop/phases.ts';

/** How much of a run is done, 0 … 1. */
export interface Completion {
  see(event: TrainEvent): void;
  fraction(): number;
}

/** Counts epochs of all phases; a limit of steps, of the run or of a phase, can only end it earlier. */
export function measureCompletion(phases: readonly Phase[], maxSteps: number | null): Completion {
  const epochs = (of: readonly Phase[]) => of.reduce((sum, { numEpochs }) => sum + numEpochs, 0);
  const total = epochs(phases);
  let [steps, fraction] = [Number.POSITIVE_INFINITY, 0];
  return {
    see(event) {
      if (event.kind === 'epoch-start') steps = event.steps;
      if (!('position' in event && 'phase' in event)) return;
      const { phase, position } = event;
      const inEpoch = Math.min(1, Math.ceil(position.batch / phase.accumulateSteps) / steps);
      const ofPhase = Math.max(position.epoch + inEpoch, phase.numEpochs * share(position.phaseStep, phase.numSteps));
      const ofEpochs = (epochs(phases.slice(0, phase.index)) + ofPhase) / total;
      fraction = Math.min(1, Math.max(ofEpochs, share(position.step, maxSteps)));
    },
    fraction: () => fraction,
  };
}

const share = (done: number, limit: number | null) => (limit === null ? 0 : Math.min(1, done / limit));
