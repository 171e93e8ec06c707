import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { flattenConfig, type TrainConfig } from '@crosscheck/config';
import { CrosscheckError, fusions, messageOf, stopSignal, withoutSecrets } from '@crosscheck/contract';
import type { Manifest } from '@crosscheck/data';
import type { Model } from '@crosscheck/engine';
import { countParameters } from '@crosscheck/network';
import {
  type DatasetInput,
  isMlflowError,
  type LogSummary,
  type NewExperiment,
  openTrackingStore,
  type Run,
  RunLogger,
  type RunLoggerOptions,
  type RunStatus,
  sanitizeKey,
  startSystemMetrics,
  type TrackingStore,
  userName,
} from 'mlflow-js-client';
import { metricsFileName } from '../consumers/metrics-file.ts';
import { manifestPath } from '../data/run-data.ts';
import type { Phase } from '../loop/phases.ts';
import { type Course, openCourse } from './course.ts';
import { syncCommand } from './mlflow-sync.ts';
import { readRemembered, rememberRun, uriOf } from './remembered.ts';

/** Where a run is tracked; a run that is not tracked has one that swallows everything. */
export interface Tracking {
  isTracked: boolean;
  logger: Pick<RunLogger, 'logArtifact' | 'logOnnxModel' | 'setTags'>;
  runId(): string | null;
  /** Takes its steps, epochs and last figures. */
  course: Pick<Course, 'log' | 'logEnd'>;
  /** Sends what is left, within a limit, and ends the run. */
  close(status: RunStatus): Promise<void>;
}

export interface TrackingOptions {
  config: TrainConfig;
  runDir: string;
  phases: readonly Phase[];
  manifests: Record<'train' | 'val', Manifest>;
  model: Model;
  /** False for a worker that leaves it to another one. */
  writes: boolean;
  /** False for a run that goes on. */
  isNew: boolean;
  /** The interrupted run to go on with, as far as it was known when its state was saved. */
  runId: string | null;
  /** The sweep's run that this one belongs under. */
  parentRun: string | null;
  /** Overrides in which a job differs from others of its sweep. */
  swept: string | null;
  say: (line: string) => void;
}

/** What MLflow's own database takes. */
const longestRunName = 250;

const [startLimitMs, closeLimitMs] = [5_000, 60_000];

const notTracked: Tracking = {
  isTracked: false,
  logger: {
    logArtifact: () => undefined,
    logOnnxModel: () => undefined,
    setTags: () => undefined,
  },
  runId: () => null,
  course: { log: () => undefined, logEnd: () => undefined },
  close: async () => undefined,
};

/** @throws CROSSCHECK_TRACKING_UNUSABLE when the URI or what stands there can never work; a server that is away is no error here */
export async function openStore(uri: string): Promise<TrackingStore> {
  try {
    // A server that is gone is noticed in seconds; what it misses is kept in the run folder.
    return await openTrackingStore(uri, { maxRetries: 2 });
  } catch (cause) {
    throw new CrosscheckError(
      'CROSSCHECK_TRACKING_UNUSABLE',
      `cannot track runs in mlflow.tracking_uri=${uri}: ${messageOf(cause)}; correct it, or train with mlflow.enabled=false`,
      { cause },
    );
  }
}

/** Starts (or goes on with) an MLflow run. A tracker that cannot be reached costs a warning, never the training. */
export async function openTracking(options: TrackingOptions): Promise<Tracking> {
  const { config, runDir, isNew, writes } = options;
  if (!writes || !config.mlflow.enabled || config.mlflow.tracking_uri === null) return notTracked;
  const uri = uriOf(config.mlflow.tracking_uri, isNew ? null : readRemembered(runDir));
  const store = await openStore(uri);
  const say = (message: string) => options.say(`mlflow: ${message}`);
  const runId = isNew ? null : await findRun(store, options, say);
  const logger = openLogger(options, { store, uri, runId, onProblem: say });
  // The run's id belongs into checkpoints and state; a server that does not answer is not waited for any longer.
  await Promise.race([logger.ready, startLimit()]);
  const { log_every_steps: logEverySteps } = config.training;
  const describe = (known?: Run) => describeRun(logger, options, known);
  const course = openCourse({ store, logger, runDir, logEverySteps, isNew, onProblem: say, describe });
  if (isNew) describe();
  else await goOn(course, say, describe);
  const stopSystemMetrics = config.mlflow.system_metrics ? startSystemMetrics(logger) : () => undefined;
  logger.setTags({ model_type: 'multimodal', fusion_method: fusions[config.model.fusion].tag, stage: 'training' });
  return {
    isTracked: true,
    logger,
    runId: () => logger.runId,
    course,
    async close(status) {
      stopSystemMetrics();
      await endRun({ store, logger, course }, status, options);
    },
  };
}

const startLimit = () => sleep(startLimitMs, undefined, { ref: false });

interface Open {
  store: TrackingStore;
  logger: RunLogger;
  course: Course;
}

function openLogger(
  { config, runDir, parentRun, swept, isNew }: TrackingOptions,
  { uri, runId, ...own }: Pick<RunLoggerOptions, 'store' | 'onProblem'> & { uri: string; runId: string | null },
): RunLogger {
  return new RunLogger({
    ...own,
    experiment: trainingExperiment(config.mlflow.experiment_name),
    run: {
      runName: [config.mlflow.run_name ?? `run_${config.training.version}`, swept ?? '']
        .join(' ')
        .trimEnd()
        .slice(0, longestRunName),
      tags: sourceTags(),
      ...(parentRun === null ? {} : { parentRunId: parentRun }),
    },
    ...(runId === null ? {} : { runId }),
    continues: !isNew,
    onRun: (id) => {
      const typed = config.mlflow.tracking_uri ?? uri;
      rememberRun(runDir, { uri, typed, runId: id, logEverySteps: config.training.log_every_steps });
    },
    spoolFolder: runDir,
  });
}

/** The tracker's run to go on with; null when it has none, so that a new one there gets everything. */
async function findRun(
  store: TrackingStore,
  { runDir, runId }: TrackingOptions,
  say: (line: string) => void,
): Promise<string | null> {
  const known = readRemembered(runDir)?.run_id ?? runId;
  if (known === null || !(await Promise.race([isMissing(store, known), startLimit().then(() => false)]))) return known;
  say(`run ${known} is not in ${store.uri}; a new run there gets everything that ${metricsFileName} has`);
  return null;
}

/** Whether a tracker that answers has no such run; one that does not answer is met later, with what waits for it in the run folder. */
export async function isMissing(store: TrackingStore, runId: string): Promise<boolean> {
  try {
    return (await store.getRun(runId)).info.lifecycleStage === 'deleted';
  } catch (error) {
    return isMlflowError(error, 'RESOURCE_DOES_NOT_EXIST');
  }
}

/** After a kill the tracker may lack what was on its way. */
async function goOn(course: Course, say: (line: string) => void, describe: () => void): Promise<void> {
  const sent = await within(closeLimitMs, course.catchUp());
  if (sent === null) {
    say('not reached yet; what it lacks is sent when it answers');
    describe(); // waits on the disk, whatever the interrupted process had told
  } else if (sent > 0) say(`sent ${sent} figures that ${metricsFileName} has and the run there had not`);
}

const within = <T>(limitMs: number, work: Promise<T>) => Promise.race([work, sleep(limitMs, null, { ref: false })]);

/** What a run is, without what the tracker knows of it already: it takes a param only once. */
function describeRun(logger: RunLogger, options: TrackingOptions, known?: Run): void {
  const params = Object.entries(runParams(options)).filter(([key]) => !(sanitizeKey(key) in (known?.params ?? {})));
  logger.logParams(Object.fromEntries(params));
  if ((known?.datasets ?? []).length === 0) logger.logInputs(datasetInputs(options));
}

async function endRun(
  { store, logger, course }: Open,
  status: RunStatus,
  { runDir, say }: TrackingOptions,
): Promise<void> {
  if (!course.isCaughtUp()) await within(closeLimitMs, course.catchUp());
  const summary = await logger.close({ status, timeoutMs: closeLimitMs });
  // A signal that came meanwhile ends the command as interrupted; so says the tracker.
  if (status === 'FINISHED' && stopSignal() !== null && summary.runId !== null)
    await store.updateRun(summary.runId, { status: 'KILLED' }).catch(() => {});
  if (!course.isCaughtUp()) await within(closeLimitMs, course.catchUp());
  store.close();
  const spoolPath = summary.spoolPath ?? (course.isCaughtUp() ? null : runDir);
  for (const line of describeUnsent({ ...summary, spoolPath }, runDir)) say(line);
}

/** What did not reach MLflow, and the command that sends it. */
export function describeUnsent({ spoolPath, lost }: Pick<LogSummary, 'spoolPath' | 'lost'>, folder: string): string[] {
  return [
    ...(spoolPath === null
      ? []
      : [`mlflow: not everything was sent; when it answers again, run: ${syncCommand(folder)}`]),
    ...(lost === 0 ? [] : [`mlflow: ${lost} entries were lost: neither the server nor the disk took them`]),
  ];
}

/** An experiment that MLflow's pages show as one of model training; without the tag they show it as one of generative AI. */
export const trainingExperiment = (name: string): NewExperiment => ({
  name,
  tags: { 'mlflow.experimentKind': 'custom_model_development' },
});

// MLflow keeps at most 36 characters of a digest.
const digestLength = 32;

/** The CSVs of training and validation, as MLflow's dataset inputs. */
function datasetInputs({ config, manifests }: TrackingOptions): DatasetInput[] {
  const contexts = { train: 'training', val: 'validation' } as const;
  return (['train', 'val'] as const).map((split) => {
    const { samples, columns, digest } = manifests[split];
    const file = path.resolve(manifestPath(config, split));
    return {
      name: path.basename(file),
      digest: digest.slice(0, digestLength),
      sourceType: 'local',
      source: { uri: file },
      schema: { mlflow_colspec: columns.map((name) => ({ name, type: 'string', required: true })) },
      profile: { num_rows: samples.length, num_fake: samples.filter(({ label }) => label === 1).length },
      context: contexts[split],
    };
  });
}

const optimizerNames = { adamw: 'AdamW', adam: 'Adam' } as const;
const schedulerNames = {
  onecycle: 'OneCycleLR',
  cosine: 'CosineAnnealingLR',
  cosine_restarts: 'CosineAnnealingWarmRestarts',
  plateau: 'ReduceLROnPlateau',
  constant: 'ConstantLR',
} as const;

/** The original's params under its names, and the whole config under dotted keys. */
function runParams({ config, manifests, model, phases }: TrackingOptions): Record<string, unknown> {
  const { training, data } = config;
  const freeze = phases[0]?.freeze ?? { vision: false, text: false };
  const { total, trainable } = countParameters(model, freeze);
  return {
    batch_size: training.batch_size,
    learning_rate: training.learning_rate,
    num_epochs: training.num_epochs,
    embedding_dim: config.model.embedding_dim,
    fusion_hidden_dim: config.model.fusion_hidden_dim,
    max_length: data.max_length,
    optimizer: optimizerNames[training.optimizer],
    scheduler: training.use_scheduler ? schedulerNames[training.scheduler] : 'None',
    model_version: training.version,
    n_rows: data.n_rows,
    total,
    trainable,
    frozen: total - trainable,
    ...notesOf(manifests),
    train_samples: manifests.train.samples.length,
    val_samples: manifests.val.samples.length,
    num_batches: Math.ceil(manifests.train.samples.length / training.batch_size),
    ...flattenConfig(withoutSecrets(config)),
  };
}

/** That only some rows were read, and whether they stand for the file. */
function notesOf(manifests: TrackingOptions['manifests']): Record<string, string> {
  const noted = Object.entries(manifests).filter(([, { notes }]) => notes.length > 0);
  return Object.fromEntries(noted.map(([split, { notes }]) => [`${split}_rows`, notes.join('; ')]));
}

function git(...args: string[]): string | null {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() || null;
  } catch {
    return null;
  }
}

/** Tags that MLflow's own client sets, so that its pages show source, user and commit. */
export function sourceTags(): Record<string, string> {
  const tags: Record<string, string | null> = {
    'mlflow.user': process.env['MLFLOW_TRACKING_USERNAME'] ?? userName(),
    'mlflow.source.name': 'pnpm train',
    'mlflow.source.type': 'LOCAL',
    'mlflow.source.git.commit': git('rev-parse', 'HEAD'),
    'mlflow.source.git.branch': git('rev-parse', '--abbrev-ref', 'HEAD'),
  };
  return Object.fromEntries(Object.entries(tags).filter((entry): entry is [string, string] => entry[1] !== null));
}
