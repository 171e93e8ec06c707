import { isCrosscheckError } from '@crosscheck/contract';
import { openCheckpoint } from '@crosscheck/weights';
import type { Best } from '../consumers/checkpoints.ts';
import { openLoader } from '../data/run-data.ts';
import { finishJudging, type Judged, judgeBatches } from '../loop/judge.ts';
import type { OpenRun } from '../run/open-run.ts';
import { type CalibrationResult, calibrateOn } from './calibrate-on.ts';
import { rewriteCheckpoint } from './rewrite-checkpoint.ts';
import { formatCalibration } from './show.ts';

/** A calibration at the end of training, with the answers that it was fitted on. */
export interface BestCalibration extends CalibrationResult {
  answers: Judged;
}

/**
 * Calibrates the best checkpoint, whose weights the model has, and writes the result into it. What the posts cannot give leaves the
 * checkpoint as it is: the run has done its work.
 *
 * @returns null when that is not asked for, or not possible
 */
export async function calibrateBest(open: OpenRun, best: Best): Promise<BestCalibration | null> {
  const { calibrationRows: manifest, config, model, tokenizer, say } = open;
  if (manifest === null) return null;
  const { batch_size: batchSize } = config.training;
  const loader = openLoader(config, manifest, { tokenizer, batchSize, shuffle: false, augment: false });
  const checkpoint = await openCheckpoint(best.path);
  try {
    if (!checkpoint.metadata) return null;
    const answers = await finishJudging(judgeBatches(model, loader));
    const result = calibrateOn({ manifest, ...answers }, checkpoint.metadata, config.calibration);
    await rewriteCheckpoint(best.path, checkpoint, checkpoint.metadata, result.decision);
    for (const line of ['', ...formatCalibration(result)]) say(line);
    return { ...result, answers };
  } catch (error) {
    if (!isCrosscheckError(error) || !error.code.startsWith('CROSSCHECK_EVALUATION_')) throw error;
    say(`not calibrated: ${error.message}; the checkpoint is as training left it, and pnpm calibrate can try again`);
    return null;
  } finally {
    await checkpoint.close();
    await loader.close();
  }
}
