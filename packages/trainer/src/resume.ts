import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type TrainConfig, trainConfigSchema, upgradeStored } from '@crosscheck/config';
import { CrosscheckError } from '@crosscheck/contract';
import { z } from 'zod';
import { openTrainingState, type TrainingState, trainingStateFile } from './training-state.ts';

/** A run that is being continued. */
export interface ResumedRun {
  /** The folder of the interrupted run, where everything goes on. */
  runDir: string;
  config: TrainConfig;
  state: TrainingState;
}

/** Overrides that may differ from the interrupted run without changing what it computes. */
const freeKeys =
  /^\+{0,2}(training\.resume|training\.num_workers|training\.log_every_steps|data\.pixel_cache\.|training\.feature_cache\.dir|mlflow\.|hydra\.|export\.|evaluation\.)/;

/**
 * Opens the state that `training.resume` names: a run folder, or the state file in it. The interrupted run's config holds;
 * overrides that contradict it are refused, because the result would be neither run's.
 *
 * @throws CROSSCHECK_RESUME_NOT_FOUND, CROSSCHECK_RESUME_STATE_INVALID, CROSSCHECK_RESUME_MISMATCH
 */
export async function openResumedRun(config: TrainConfig, overrides: readonly string[]): Promise<ResumedRun | null> {
  const named = config.training.resume;
  if (named === null) return null;
  const file = await findState(named);
  const contradicting = overrides.filter((override) => !freeKeys.test(override));
  const state = await openTrainingState(file);
  const stored = await readConfig(file, state);
  if (contradicting.length > 0 && !isSameRun(config, stored)) {
    await state.close();
    throw new CrosscheckError(
      'CROSSCHECK_RESUME_MISMATCH',
      `${named} was started with another config than ${contradicting.join(' ')} asks for; ` +
        `resume with training.resume=${named} alone, or start a new run (model.load_model=true starts from a checkpoint)`,
    );
  }
  return { runDir: path.dirname(file), config: mergeFree(config, stored), state };
}

/** @throws CROSSCHECK_RESUME_STATE_INVALID when the run was started with keys that this version does not know */
async function readConfig(file: string, state: TrainingState): Promise<TrainConfig> {
  const { success, data, error } = trainConfigSchema.safeParse(upgradeStored(state.description.config));
  if (success) return data;
  await state.close();
  throw new CrosscheckError(
    'CROSSCHECK_RESUME_STATE_INVALID',
    `the config in ${file} is not one of this version of Crosscheck: ${z.prettifyError(error)}; start a new run, or load its best checkpoint with model.load_model`,
  );
}

async function findState(named: string): Promise<string> {
  const candidates = [path.resolve(named), path.resolve(named, trainingStateFile)];
  for (const file of candidates) if ((await stat(file).catch(() => null))?.isFile()) return file;
  throw new CrosscheckError(
    'CROSSCHECK_RESUME_NOT_FOUND',
    `training.resume must name a run folder with ${trainingStateFile} in it, or that file; looked for ${candidates.join(' and ')}`,
  );
}

function mergeFree(config: TrainConfig, stored: TrainConfig): TrainConfig {
  const { resume, num_workers, log_every_steps, feature_cache } = config.training;
  const { mlflow, evaluation } = config;
  return {
    ...stored,
    mlflow,
    evaluation,
    export: config.export,
    data: { ...stored.data, pixel_cache: config.data.pixel_cache },
    training: {
      ...stored.training,
      resume,
      num_workers,
      log_every_steps,
      feature_cache: { ...stored.training.feature_cache, dir: feature_cache.dir },
    },
  };
}

/** Compares what decides the numbers: network, data and training, but for the free keys. */
function isSameRun(a: TrainConfig, b: TrainConfig): boolean {
  const essence = ({ model, data, training }: TrainConfig) => {
    const { resume: _resume, num_workers: _workers, log_every_steps: _log, ...others } = training;
    const rest = { ...others, feature_cache: { ...training.feature_cache, dir: null } };
    const { pixel_cache: _cache, ...posts } = data;
    return JSON.stringify([model, posts, rest]);
  };
  return essence(a) === essence(b);
}
