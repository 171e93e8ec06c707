import { openFrame, type SweepRequest } from './plan.ts';

/** Runs the jobs of a sweep: those that `hydra/sweeper=basic` lists, or those that Optuna asks for. @returns the exit code */
export async function openSweep<C>(request: SweepRequest<C>): Promise<number> {
  const frame = openFrame(request);
  return frame.master.choices['hydra/sweeper'] === 'optuna'
    ? (await import('./search.ts')).runSearch(frame)
    : (await import('./sweep.ts')).runSweep(frame);
}
