import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { downloadFile, listRecursively, uploadFolder } from '../artifacts/folders.ts';
import { openLocalArtifacts } from '../artifacts/local-artifacts.ts';
import { type PreparedBatch, prepareBatch } from '../batches.ts';
import { MlflowError } from '../errors.ts';
import { LIMITS, truncateValue } from '../limits.ts';
import type { NewExperiment } from '../rest/experiments.ts';
import type { NewLoggedModel } from '../rest/logged-models.ts';
import type { NewRun, RunUpdate } from '../rest/runs.ts';
import type {
  DatasetInput,
  Experiment,
  LoggedModel,
  LoggedModelStatus,
  MetricPoint,
  ModelVersion,
  Run,
  RunInfo,
} from '../types.ts';
import { userName } from '../user.ts';
import { generateRunName } from './run-names.ts';
import type { ModelRegistration, TrackingStore } from './tracking-store.ts';

/** A run with everything decided that a server would decide. */
export interface LocalRun {
  experimentId: string;
  runName: string;
  userId: string;
  startTime: number;
  tags: Record<string, string>;
}

export interface ModelOutput {
  modelId: string;
  step: number;
}

/** What a store on this machine has to keep; artifacts are files, whatever keeps the rest. */
export interface LocalBackend {
  getOrCreateExperiment(experiment: NewExperiment): Promise<Experiment>;
  createRun(run: LocalRun): Promise<RunInfo>;
  getRun(runId: string): Promise<Run>;
  getMetricHistory(runId: string, key: string): Promise<MetricPoint[]>;
  logBatch(runId: string, batch: PreparedBatch): Promise<void>;
  logInputs(runId: string, datasets: readonly DatasetInput[]): Promise<void>;
  logOutputs(runId: string, outputs: readonly ModelOutput[]): Promise<void>;
  updateRun(runId: string, update: RunUpdate): Promise<void>;
  createLoggedModel(model: NewLoggedModel): Promise<LoggedModel>;
  finalizeLoggedModel(modelId: string, status: LoggedModelStatus): Promise<void>;
  registerModel(registration: ModelRegistration): Promise<ModelVersion>;
  setModelAlias(name: string, alias: string, version: string): Promise<void>;
  close(): void;
}

/** Adds to a backend what is the same for every local store. */
export function createLocalStore(uri: string, backend: LocalBackend): TrackingStore {
  const artifactsOf = async (runId: string) => openReachable((await backend.getRun(runId)).info.artifactUri);
  const logBatch: TrackingStore['logBatch'] = async (runId, batch) => {
    const prepared = prepareBatch(batch);
    await backend.logBatch(runId, prepared);
    return { requests: 1, truncated: prepared.truncated };
  };
  return {
    uri,
    getOrCreateExperiment: (experiment) => backend.getOrCreateExperiment(experiment),
    createRun: async (run) => backend.createRun(completeRun(run)),
    getRun: (runId) => backend.getRun(runId),
    getMetricHistory: (runId, key) => backend.getMetricHistory(runId, key),
    logBatch,
    setTags: async (runId, tags) => void (await logBatch(runId, { tags })),
    logInputs: (runId, datasets) => backend.logInputs(runId, datasets),
    logOutputs: (runId, models) =>
      backend.logOutputs(
        runId,
        models.map(({ modelId, step = 0 }) => ({ modelId, step })),
      ),
    updateRun: (runId, update) => backend.updateRun(runId, update),
    endRun: (runId, status = 'FINISHED', endTime = Date.now()) => backend.updateRun(runId, { status, endTime }),
    uploadArtifact: async (runId, source, path) => (await artifactsOf(runId)).upload(source, path),
    uploadArtifacts: async (runId, folder, path) => uploadFolder(await artifactsOf(runId), folder, path),
    listArtifacts: async (runId, path) => listRecursively(await artifactsOf(runId), path),
    downloadArtifact: async (runId, path, target) => downloadFile(await artifactsOf(runId), path, target),
    createLoggedModel: async (model) => backend.createLoggedModel(checkModelName(model)),
    openModelArtifacts: ({ artifactUri }) => openReachable(artifactUri),
    finalizeLoggedModel: (modelId, status = 'LOGGED_MODEL_READY') => backend.finalizeLoggedModel(modelId, status),
    registerModel: (registration) => backend.registerModel(registration),
    setModelAlias: async (name, alias, version) => backend.setModelAlias(name, checkAlias(alias), version),
    close: () => backend.close(),
  };
}

function completeRun(run: NewRun): LocalRun {
  const runName = run.runName ?? run.tags?.['mlflow.runName'] ?? generateRunName();
  const userId = run.userId ?? run.tags?.['mlflow.user'] ?? userName();
  const parent = run.parentRunId === undefined ? {} : { 'mlflow.parentRunId': run.parentRunId };
  const tags = { 'mlflow.user': userId, ...run.tags, ...parent, 'mlflow.runName': runName };
  const shortened = Object.entries(tags).map(
    ([key, value]) => [key, truncateValue(value, LIMITS.tagValueChars)] as const,
  );
  const { experimentId, startTime = Date.now() } = run;
  return { experimentId, runName, userId, startTime, tags: Object.fromEntries(shortened) };
}

function openReachable(artifactUri: string): ArtifactStore {
  if (!/^[a-z][a-z0-9+.-]+:/i.test(artifactUri) || artifactUri.startsWith('file:'))
    return openLocalArtifacts(artifactUri);
  const message = `artifacts at ${artifactUri} belong to a server; log to its http:// address, or use an experiment that was made without it`;
  throw new MlflowError('UNSUPPORTED_URI', message);
}

function checkModelName(model: NewLoggedModel): NewLoggedModel {
  if (model.name !== '' && !/[/:.%"']/.test(model.name)) return model;
  throw new MlflowError(
    'INVALID_PARAMETER_VALUE',
    `a logged model's name may not be empty or hold / : . % " ', got "${model.name}"`,
  );
}

/** MLflow keeps `latest` and `v1`, `v2`, … for itself. */
export function checkAlias(alias: string): string {
  if (/^[\w-]+$/.test(alias) && !/^(latest|v\d+)$/i.test(alias)) return alias;
  const message = `an alias has letters, digits, _ and -, and is neither "latest" nor "v<number>", got "${alias}"`;
  throw new MlflowError('INVALID_PARAMETER_VALUE', message);
}

// Numbers of MLflow's protocol buffers, which files and databases hold.
export const MODEL_STATUS = { LOGGED_MODEL_PENDING: 1, LOGGED_MODEL_READY: 2, LOGGED_MODEL_UPLOAD_FAILED: 3 } as const;
export const RUN_STATUS = { RUNNING: 1, SCHEDULED: 2, FINISHED: 3, FAILED: 4, KILLED: 5 } as const;
