import path from 'node:path';
import type { JobResult, Run, TrainConfig } from '@crosscheck/config';
import { isInterruption, settle } from '@crosscheck/contract';
import { describeWeights } from './distributed/require-alike.ts';
import { alone, type Workers } from './distributed/workers.ts';
import { finishRun } from './run/finish-run.ts';
import { type OpenRun, openRun } from './run/open-run.ts';
import { runAll, type TrainingOutcome } from './run/run-all.ts';

/**
 * Trains as the config says, and leaves in the run folder metrics.jsonl, the training state, plots and a report; in
 * `training.checkpoint_dir` the best checkpoint, which ends as the model's state. A signal to stop ends it after the step, saved and resumable.
 * Of several workers, which all call this, the first one leaves all that.
 *
 * @throws CROSSCHECK_DATA_…, CROSSCHECK_WEIGHTS_…, CROSSCHECK_RESUME_…, CROSSCHECK_TRAINING_DIVERGED, CROSSCHECK_WORKERS_…, CROSSCHECK_COMMAND_INTERRUPTED
 */
export async function train(run: Run<TrainConfig>, workers: Workers = alone): Promise<JobResult> {
  const open = await openRun(run, workers);
  try {
    // Waited for here too, so that the tracker hears of an end that nobody told.
    const result = await settle(async () => part(open, await runAll(open)));
    return open.resumed === null ? result : { ...result, continued: open.runDir };
  } catch (error) {
    await endEarly(open, error);
    throw error;
  } finally {
    await open.close();
  }
}

/** Trained together, finished by one: what follows needs no others, who need not wait. */
async function part(open: OpenRun, outcome: TrainingOutcome): Promise<JobResult> {
  const { workers, unreadable, model, say } = open;
  for (const problems of await workers.gather([...unreadable])) {
    for (const [place, problem] of problems) unreadable.set(place, problem);
  }
  const held = await describeWeights(workers, model);
  if (held !== null) say(held);
  await workers.close();
  return workers.rank === 0 ? finishRun(open, outcome) : {};
}

/** What training has saved stays; a signal that came after its last step leaves the report to the resumed run. */
async function endEarly({ tracking, say, runDir }: OpenRun, error: unknown): Promise<void> {
  await tracking.close(isInterruption(error) ? 'KILLED' : 'FAILED');
  if (isInterruption(error)) say(`interrupted: training.resume=${path.relative('.', runDir)} goes on from here`);
}
