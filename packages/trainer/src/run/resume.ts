import path from 'node:path';
import { backboneKeys, composeConfig, type TrainConfig, trainConfigSchema, upgradeStored } from '@crosscheck/config';
import { CrosscheckError, hideSecrets, isHidden, withoutSecrets } from '@crosscheck/contract';
import { lockFolder } from '@crosscheck/files';
import { z } from 'zod';
import type { Workers } from '../distributed/workers.ts';
import { type Phase, resolvePhases } from '../loop/phases.ts';
import { withoutHiddenLogin } from '../tracker/login.ts';
import { isFree, leavesOf, setLeaf } from './resume-keys.ts';
import { findState } from './stored-run.ts';
import { openTrainingState, type TrainingState } from './training-state.ts';

/** A run that is being continued. */
export interface ResumedRun {
  /** The folder of the interrupted run, where everything goes on. */
  runDir: string;
  config: TrainConfig;
  state: TrainingState;
  /** What is different from before, for people. */
  changes: string[];
}

/**
 * Opens the state that `training.resume` names: a run folder, or the state file in it. The interrupted run's config holds, with
 * what is asked for and may change; anything else that is asked for is refused, because the result would be neither run's.
 *
 * @throws CROSSCHECK_RESUME_NOT_FOUND, CROSSCHECK_RESUME_STATE_INVALID, CROSSCHECK_RESUME_MISMATCH, CROSSCHECK_RUN_FOLDER_IN_USE
 */
export async function openResumedRun(
  config: TrainConfig,
  overrides: readonly string[],
  { rank }: Pick<Workers, 'rank'>,
): Promise<ResumedRun | null> {
  const named = config.training.resume;
  if (named === null) return null;
  const file = await findState(named);
  const state = await openState(file, rank === 0);
  try {
    const stored = readConfig(file, state);
    const merged = mergeConfigs(named, { stored, asked: askedFor(config, overrides), current: config });
    const changes = [...merged.changes, ...checkLengths(named, { before: stored, after: merged.config, state })];
    if (merged.config.training.checkpoint_dir !== stored.training.checkpoint_dir) moveBest(state, merged.config);
    return { runDir: path.dirname(file), config: merged.config, state, changes };
  } catch (error) {
    await state.close();
    throw error;
  }
}

/** The run's folder is the writing process's until the state is closed. */
async function openState(file: string, writes: boolean): Promise<TrainingState> {
  const release = writes ? await lockFolder(path.dirname(file)) : () => {};
  try {
    const state = await openTrainingState(file);
    return { ...state, close: () => state.close().finally(release) };
  } catch (error) {
    release();
    throw error;
  }
}

/** @throws CROSSCHECK_RESUME_STATE_INVALID when the run was started with keys that this version does not know */
function readConfig(file: string, state: TrainingState): TrainConfig {
  const { success, data, error } = trainConfigSchema.safeParse(upgradeStored(state.description.config));
  if (success) return data;
  throw new CrosscheckError(
    'CROSSCHECK_RESUME_STATE_INVALID',
    `the config in ${file} is not one of this version of Crosscheck: ${z.prettifyError(error)}; start a new run, or load its best checkpoint with model.load_model`,
  );
}

/** True for keys that were typed, and for those that a chosen group sets otherwise than the config does alone. */
function askedFor(config: TrainConfig, overrides: readonly string[]): (key: string) => boolean {
  const typed = overrides.flatMap((override) => /^\+{0,2}([\w.]+)=/.exec(override)?.[1] ?? []);
  const plain = leavesOf(plainConfig());
  const current = leavesOf(config);
  const isTyped = (key: string) => typed.some((name) => key === name || key.startsWith(`${name}.`));
  return (key) =>
    isTyped(key) || isTyped(follows[key] ?? key) || (current.has(key) && !isSame(current.get(key), plain.get(key)));
}

/** Keys that the configs take from another one. */
const follows: Readonly<Record<string, string>> = {
  'data.images_dir_train': 'data.root_dir',
  'data.images_dir_val': 'data.root_dir',
  'data.images_dir_test': 'data.root_dir',
  'mlflow.tracking_uri': 'training.tracking_uri',
  'mlflow.experiment_name': 'training.experiment_name',
};

/** The config without a command line; nothing where it cannot stand alone. */
function plainConfig(): unknown {
  try {
    return composeConfig({ configName: 'config', schema: trainConfigSchema }).config;
  } catch {
    return {};
  }
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

interface Sides {
  stored: TrainConfig;
  current: TrainConfig;
  asked: (key: string) => boolean;
}

/** The stored config with what is asked for and may change. A secret was not stored: it comes from the current config. */
function mergeConfigs(named: string, { stored, current, asked }: Sides): { config: TrainConfig; changes: string[] } {
  const config = structuredClone(stored);
  const [before, now] = [leavesOf(stored), settledLeaves(current)];
  const [refused, changes, lost]: [string[], string[], string[]] = [[], [], []];
  for (const [key, value] of now) {
    const old = before.get(key);
    const isWithheld = isHidden(old) && isSame(withoutSecrets({ [key]: value }), { [key]: old });
    if (isSame(value, old) || key === 'training.resume' || isWithheld) {
      setLeaf(config, key, value);
      continue;
    }
    if (!asked(key)) {
      if (isHidden(old) && !takeLogin(config, key, String(old))) lost.push(`${key} (${String(old)})`);
      continue;
    }
    const text = `${key} was ${shown(old)}, now ${shown(value)}`;
    if (isFree(key) && setLeaf(config, key, value)) changes.push(text);
    else refused.push(text);
  }
  if (refused.length > 0) throw mismatch(named, `these may not change: ${refused.join('; ')}`);
  const isTracked = config.mlflow.enabled;
  if (lost.length > 0 && isTracked)
    throw mismatch(
      named,
      `its ${lost.join(', ')} had a secret, which is never stored: give it again, set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or mlflow.enabled=false`,
    );
  return { config, changes };
}

/** What is left to the backbones stays as they brought it. */
const settledLeaves = (config: TrainConfig): [string, unknown][] =>
  [...leavesOf(config)].filter(([key, value]) => value !== null || !backboneKeys.has(key));

/** MLflow's own variables can say who logs in at a tracker. */
function takeLogin(config: TrainConfig, key: string, stored: string): boolean {
  const bare = /^(?:mlflow|training)\.tracking_uri$/.test(key) ? withoutHiddenLogin(stored) : null;
  return bare !== null && setLeaf(config, key, bare);
}

const shown = (value: unknown) => (value === undefined ? 'not set' : hideSecrets(JSON.stringify(value)));

function mismatch(named: string, why: string): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_RESUME_MISMATCH',
    `${named} cannot go on so: ${why}; resume with training.resume=${named} alone, or start a new run (model.load_model=true starts from a checkpoint)`,
  );
}

/** A phase may get longer while it is the last that ran; what its schedule does then is said. */
function checkLengths(
  named: string,
  { before, after, state }: { before: TrainConfig; after: TrainConfig; state: TrainingState },
): string[] {
  const { phase: at, epoch: done } = state.description.point.position;
  const old = resolvePhases(before);
  return resolvePhases(after).flatMap((phase) => {
    const was = old[phase.index]?.numEpochs;
    if (was === undefined || was === phase.numEpochs) return [];
    if (phase.index < at) throw mismatch(named, `phase ${phase.name} is over, so its num_epochs stays ${was}`);
    if (phase.index === at && phase.numEpochs < done)
      throw mismatch(
        named,
        `phase ${phase.name} has done ${done} epochs already, so num_epochs=${phase.numEpochs} is too few`,
      );
    return [lengthText(phase, was)];
  });
}

const stretched: ReadonlySet<string> = new Set(['onecycle', 'cosine']);

function lengthText({ name, numEpochs, scheduler }: Phase, was: number): string {
  const course = stretched.has(scheduler)
    ? `; its ${scheduler} learning rate is spread over all ${numEpochs} and goes on where that stands, not where the shorter one ended`
    : '';
  return `phase ${name}: ${numEpochs} epochs instead of ${was}${course}`;
}

function moveBest(state: TrainingState, { training }: TrainConfig): void {
  const { best } = state.description;
  if (best !== null) best.path = path.resolve(training.checkpoint_dir, path.basename(best.path));
}
