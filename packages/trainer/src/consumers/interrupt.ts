import { answerStop, type StopSignal, stopSignal } from '@crosscheck/contract';
import type { Consumer } from '../loop/events.ts';

/** A signal to stop: the step is finished, everything is saved, the run ends as KILLED. `runProgram` listens, and ends at once at a second one. */
export function stopOnSignal(): Consumer & { takeStop(): StopSignal | null } {
  return {
    on: () => (stopSignal() === null ? undefined : 'stop-run'),
    /** After this the signal counts as obeyed: what still follows is not stopped by it again. */
    takeStop() {
      answerStop();
      return stopSignal();
    },
  };
}
