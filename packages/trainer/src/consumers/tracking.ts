import type { Consumer } from '../loop/events.ts';
import type { Course } from '../tracker/course.ts';
import { epochLine, stepLine } from './metrics-file.ts';

/**
 * Logs a run to MLflow in the background: epochs under the original's names with its step (epochs from 0), steps as `train/…_step`.
 * Nothing here waits for the network or throws; see RunLogger.
 */
export function trackRun(course: Pick<Course, 'log'>): Consumer {
  return {
    on(event) {
      if (event.kind === 'step') course.log(stepLine(event));
      if (event.kind === 'epoch') course.log(epochLine(event));
    },
  };
}
