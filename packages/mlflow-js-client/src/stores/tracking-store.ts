import type { ArtifactSource, ArtifactStore } from '../artifacts/artifact-store.ts';
import type { NewExperiment } from '../rest/experiments.ts';
import type { NewLoggedModel } from '../rest/logged-models.ts';
import type { NewModelVersion, NewRegisteredModel } from '../rest/registry.ts';
import type { NewRun, RunUpdate } from '../rest/runs.ts';
import type {
  ArtifactEntry,
  Batch,
  BatchReport,
  CallOptions,
  DatasetInput,
  Experiment,
  LoggedModel,
  LoggedModelStatus,
  MetricPoint,
  ModelVersion,
  Run,
  RunInfo,
  RunStatus,
} from '../types.ts';

/** A version for the registry, with the aliases that should point at it. */
export interface ModelRegistration extends NewModelVersion {
  /** Description and tags of the registered model itself, used when it is new. */
  registeredModel?: Omit<NewRegisteredModel, 'name'> | undefined;
  /** E.g. `['champion']`. */
  aliases?: readonly string[] | undefined;
}

/**
 * What a training run needs of MLflow, whatever keeps it: a server, a SQLite file or a folder.
 *
 * Every method may throw MlflowError; see RunLogger for logging that never does.
 */
export interface TrackingStore {
  /** The URI that it was opened with, without credentials. */
  readonly uri: string;
  getOrCreateExperiment(experiment: NewExperiment): Promise<Experiment>;
  createRun(run: NewRun): Promise<RunInfo>;
  getRun(runId: string): Promise<Run>;
  getMetricHistory(runId: string, key: string): Promise<MetricPoint[]>;
  logBatch(runId: string, batch: Batch, options?: CallOptions): Promise<BatchReport>;
  setTags(runId: string, tags: Readonly<Record<string, string>>, options?: CallOptions): Promise<void>;
  logInputs(runId: string, datasets: readonly DatasetInput[], options?: CallOptions): Promise<void>;
  /** Links logged models to the run that wrote them. */
  logOutputs(runId: string, models: readonly { modelId: string; step?: number | undefined }[]): Promise<void>;
  /** Changes status, end or name, e.g. back to RUNNING when a run resumes. */
  updateRun(runId: string, update: RunUpdate, options?: CallOptions): Promise<void>;
  /** Ends a run now: FINISHED unless told otherwise. */
  endRun(runId: string, status?: RunStatus, endTime?: number): Promise<void>;

  uploadArtifact(runId: string, source: ArtifactSource, artifactPath: string, options?: CallOptions): Promise<void>;
  /** Uploads every file below a folder; returns their artifact paths. */
  uploadArtifacts(runId: string, folder: string, artifactPath?: string, options?: CallOptions): Promise<string[]>;
  /** Every file of a run below a folder. */
  listArtifacts(runId: string, artifactPath?: string): Promise<ArtifactEntry[]>;
  downloadArtifact(runId: string, artifactPath: string, target: string): Promise<void>;

  createLoggedModel(model: NewLoggedModel): Promise<LoggedModel>;
  /** The files of a logged model. */
  openModelArtifacts(model: Pick<LoggedModel, 'artifactUri'>): ArtifactStore;
  finalizeLoggedModel(modelId: string, status?: LoggedModelStatus): Promise<void>;
  /** Adds a version to a registered model, made when absent, and points the aliases at it. */
  registerModel(registration: ModelRegistration): Promise<ModelVersion>;
  setModelAlias(name: string, alias: string, version: string): Promise<void>;
  /** Ends what is under way, and refuses more. */
  close(): void;
}
