import type { Consumer, ResumePoint } from '../events.ts';
import { emptyTotals } from '../epoch-totals.ts';

/** Saves the training state after every epoch, when the run is interrupted, and every so many steps if asked. */
export function saveState(save: (point: ResumePoint) => Promise<void>, everySteps: number | null): Consumer {
  return {
    async on(event) {
      if (event.kind === 'epoch') await save({ position: event.position, totals: emptyTotals });
      if (event.kind === 'interrupted') await save({ position: event.position, totals: event.totals });
      if (event.kind === 'step' && everySteps !== null && event.position.step % everySteps === 0) {
        await save(event.resumePoint());
      }
    },
  };
}
