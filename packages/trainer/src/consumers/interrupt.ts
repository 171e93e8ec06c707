import { answerStop, type StopSignal, shareStop, stopSignal } from '@crosscheck/contract';
import type { Workers } from '../distributed/workers.ts';
import type { Consumer, TrainEvent } from '../loop/events.ts';

/**
 * A signal to stop: the step is finished, everything is saved, the run ends as KILLED. `runProgram` listens, and ends at once at a second one.
 * Of several workers one is enough: all of them learn of it with the step, and obey it together.
 */
export function stopOnSignal(workers: Workers): Consumer & { takeStop(): Promise<StopSignal | null> } {
  const isAsked = (event: TrainEvent) =>
    workers.world > 1 && 'isToStop' in event ? event.isToStop : stopSignal() !== null;
  return {
    on: (event) => (isAsked(event) ? 'stop-run' : undefined),
    /** After this the signal counts as obeyed: what still follows is not stopped by it again. */
    async takeStop() {
      const [signal = null] = (await workers.gather(stopSignal())).filter((each) => each !== null);
      if (signal !== null) shareStop(signal);
      answerStop();
      return signal;
    },
  };
}
