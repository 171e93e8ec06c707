import type { JobResult, Run, TrainConfig } from '@crosscheck/config';
import { finishRun } from './finish-run.ts';
import { openRun } from './open-run.ts';
import { runAll } from './run-all.ts';

/**
 * Trains as the config says, and leaves in the run folder metrics.jsonl, the training state, plots and a report; in
 * `training.checkpoint_dir` the best checkpoint, which ends as the model's state.
 *
 * @throws CROSSCHECK_DATA_…, CROSSCHECK_WEIGHTS_…, CROSSCHECK_RESUME_…, CROSSCHECK_TRAINING_DIVERGED
 */
export async function train(run: Run<TrainConfig>): Promise<JobResult> {
  const open = await openRun(run);
  try {
    return await finishRun(open, await runAll(open));
  } catch (error) {
    await open.tracking.close('FAILED');
    throw error;
  } finally {
    await open.close();
  }
}
