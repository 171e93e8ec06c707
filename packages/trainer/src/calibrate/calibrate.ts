import path from 'node:path';
import {
  describeForeignCheckpoint,
  describeNext,
  type JobResult,
  type Run,
  type TrainConfig,
} from '@crosscheck/config';
import { type CheckpointMetadata, modalitiesOf } from '@crosscheck/contract';
import type { Sample } from '@crosscheck/data';
import { applyTemperature, coverageTable, formatDiagnoses } from '@crosscheck/evaluation';
import { writeWhole } from '@crosscheck/files';
import { collectLessOften } from '@crosscheck/preprocess';
import { renderEvaluationPlot } from '@crosscheck/report';
import { openCheckpoint, resolveCheckpointPath } from '@crosscheck/weights';
import { bestModelName } from '../consumers/checkpoints.ts';
import { checkClasses } from '../data/check-classes.ts';
import { readCalibrationSplit, readColumns } from '../data/run-data.ts';
import { type Answers, openCheckpointJudge } from '../evaluate/open-judge.ts';
import { nextCommands } from '../report/next-steps.ts';
import { completeForeign } from '../run/complete.ts';
import { meaningOf } from '../run/network.ts';
import { type CalibrationResult, calibrateOn } from './calibrate-on.ts';
import { rewriteCheckpoint } from './rewrite-checkpoint.ts';
import { formatCalibration, formatCoverage } from './show.ts';

/**
 * Job of `pnpm calibrate`: judges held-out posts with a checkpoint, fits temperature, threshold and abstain band on them, and writes these into
 * the checkpoint, from where export, evaluation and service take them.
 *
 * @throws CROSSCHECK_CHECKPOINT_NOT_FOUND, CROSSCHECK_CALIBRATION_USED_ROWS, CROSSCHECK_EVALUATION_…
 */
export async function calibrate(run: Run<TrainConfig>): Promise<JobResult> {
  collectLessOften();
  await readColumns(run.config, run.config.calibration.split);
  const named = run.config.calibration.checkpoint ?? bestModelName(run.config.training.version);
  const source = await resolveCheckpointPath(named, run.config.training.checkpoint_dir);
  const checkpoint = await openCheckpoint(source, meaningOf(run.config));
  try {
    const metadata = checkpoint.metadata ?? describeForeignCheckpoint((await completeForeign(run.config)).config);
    const config = withHoldoutOf(metadata, run.config);
    const manifest = await readCalibrationSplit(config, modalitiesOf(metadata.architecture));
    for (const note of manifest.notes) run.warn(note);
    checkClasses({ calibration: manifest }, config, (line) => run.warn(line));
    const answers = await judgeOnce(source, config, manifest.samples);
    const result = calibrateOn({ manifest, ...answers }, metadata, config.calibration);
    const target = checkpoint.metadata ? source : beside(source);
    await rewriteCheckpoint(target, checkpoint, metadata, result.decision);
    const next = nextCommands({ ...run, config, checkpoint: target }, ['evaluate', 'export']);
    await showResult(run.runDir, { target, version: metadata.version, answers, result, next });
    return { metrics: { temperature: result.decision.temperature, threshold: result.decision.threshold } };
  } finally {
    await checkpoint.close();
  }
}

/** What training kept for calibration is calibrated on, without being named again. */
function withHoldoutOf({ seenRows }: CheckpointMetadata, config: TrainConfig): TrainConfig {
  const { calibration } = config;
  if (calibration.holdout > 0 || !seenRows) return config;
  return { ...config, calibration: { ...calibration, holdout: seenRows.holdout } };
}

async function judgeOnce(source: string, config: TrainConfig, samples: readonly Sample[]): Promise<Answers> {
  const judge = await openCheckpointJudge(source, config);
  try {
    return await judge.judge(samples);
  } finally {
    await judge.close();
  }
}

/** A checkpoint of another origin stays as it is; the calibrated one, in our format, goes beside it. */
function beside(source: string): string {
  const { dir, name } = path.parse(source);
  return path.join(dir, `${name}_calibrated.safetensors`);
}

interface Shown {
  target: string;
  version: string;
  answers: Answers;
  result: CalibrationResult;
  /** The commands that follow. */
  next: string[];
}

/** Prints what was found, and draws the reliability before and after. */
async function showResult(runDir: string, { target, version, answers, result, next }: Shown): Promise<void> {
  const { logits, labels } = answers;
  const { temperature, threshold, calibration } = result.decision;
  const probabilities = applyTemperature(logits, temperature);
  const uncalibrated = applyTemperature(logits, 1);
  const plot = path.join(runDir, `reliability_${version}.png`);
  const split = { split: calibration.split, probabilities, uncalibrated, labels, threshold };
  writeWhole(plot, await renderEvaluationPlot('reliability', split));
  const lines = [
    ...formatDiagnoses(result.diagnoses),
    ...formatCalibration(result),
    '',
    ...formatCoverage(coverageTable(probabilities, labels, threshold)),
    '',
    `written into ${path.relative('.', target)}; plot: ${path.relative('.', plot)}`,
    ...describeNext(next),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
