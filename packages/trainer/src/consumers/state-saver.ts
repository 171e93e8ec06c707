import { emptyTotals } from '../loop/epoch-totals.ts';
import type { Consumer, ResumePoint } from '../loop/events.ts';

/** Saves the training state when a phase begins (on the weights it begins with), after every epoch, when the run is interrupted, and every so many steps if asked. */
export function saveState(save: (point: ResumePoint) => Promise<void>, everySteps: number | null): Consumer {
  return {
    async on(event) {
      if (event.kind === 'phase-start' && event.position.epoch === 0 && event.position.batch === 0) {
        await save({ position: event.position, totals: emptyTotals });
      }
      if (event.kind === 'epoch') await save({ position: event.position, totals: emptyTotals });
      if (event.kind === 'interrupted') await save({ position: event.position, totals: event.totals });
      if (event.kind === 'step' && everySteps !== null && event.position.step % everySteps === 0) {
        await save(event.resumePoint());
      }
    },
  };
}
