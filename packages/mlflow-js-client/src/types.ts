/** State of a run, as MLflow spells it. */
export type RunStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED';

/** State of a logged model. */
export type LoggedModelStatus = 'LOGGED_MODEL_PENDING' | 'LOGGED_MODEL_READY' | 'LOGGED_MODEL_UPLOAD_FAILED';

export type LifecycleStage = 'active' | 'deleted';

export interface Experiment {
  experimentId: string;
  name: string;
  /** Where the artifacts of its runs go, e.g. `mlflow-artifacts:/1` or `file:///…/mlruns/1`. */
  artifactLocation: string;
  lifecycleStage: LifecycleStage;
  tags: Record<string, string>;
}

export interface RunInfo {
  runId: string;
  runName: string;
  experimentId: string;
  userId: string;
  status: RunStatus;
  /** Milliseconds since 1970. */
  startTime: number;
  /** Milliseconds since 1970; null while the run goes on. */
  endTime: number | null;
  artifactUri: string;
  lifecycleStage: LifecycleStage;
}

export interface Run {
  info: RunInfo;
  /** The latest value of each metric. */
  metrics: Record<string, number>;
  params: Record<string, string>;
  tags: Record<string, string>;
  datasets: DatasetInput[];
  /** Ids of the logged models that this run wrote. */
  outputModelIds: string[];
}

/** One point of a metric, to be logged. NaN and infinities are legal. */
export interface MetricEntry {
  key: string;
  value: number;
  /** Default 0. */
  step?: number | undefined;
  /** Milliseconds since 1970; default now. */
  timestamp?: number | undefined;
  /** Shows the metric on this logged model too. */
  modelId?: string | undefined;
  datasetName?: string | undefined;
  datasetDigest?: string | undefined;
}

/** One stored point of a metric. */
export interface MetricPoint {
  key: string;
  value: number;
  step: number;
  timestamp: number;
}

/** What one call may log. Param values of any type become text (see `formatParam`). */
export interface Batch {
  metrics?: readonly MetricEntry[] | undefined;
  params?: Readonly<Record<string, unknown>> | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
}

/** What happened to a batch on its way. */
export interface BatchReport {
  /** Number of requests (or transactions) it took. */
  requests: number;
  /** Keys whose value was longer than MLflow keeps and was cut, with a mark at the end. */
  truncated: string[];
}

/** A data set that a run read. */
export interface DatasetInput {
  name: string;
  /** At most 36 characters; see `computeDigest`. */
  digest: string;
  /** E.g. `local`, `http`, `hugging_face`. */
  sourceType: string;
  /** Where it came from; an object becomes JSON. */
  source: string | Record<string, unknown>;
  /** MLflow's schema JSON, e.g. `{mlflow_colspec: […]}`. */
  schema?: string | Record<string, unknown> | undefined;
  /** Counts and the like, e.g. `{num_rows: 1000}`. */
  profile?: string | Record<string, unknown> | undefined;
  /** `training`, `validation`, `test`, …: the tag `mlflow.data.context`. */
  context?: string | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
}

export interface LoggedModel {
  /** `m-` and 32 hex digits. */
  modelId: string;
  experimentId: string;
  name: string;
  modelType: string;
  status: LoggedModelStatus;
  artifactUri: string;
  sourceRunId: string;
  params: Record<string, string>;
  tags: Record<string, string>;
  /** Milliseconds since 1970. */
  creationTime: number;
}

export interface RegisteredModel {
  name: string;
  description: string;
  tags: Record<string, string>;
  /** Alias to version. */
  aliases: Record<string, string>;
}

export interface ModelVersion {
  name: string;
  /** `1`, `2`, … */
  version: string;
  status: string;
  statusMessage: string;
  /** `models:/m-…` or an artifact URI. */
  source: string;
  runId: string;
  modelId: string;
  description: string;
  tags: Record<string, string>;
  aliases: string[];
}

export interface ArtifactEntry {
  /** Relative to the artifact root, with `/`. */
  path: string;
  isDirectory: boolean;
  /** Null for folders. */
  sizeBytes: number | null;
}

/** One page of a search. */
export interface Page<T> {
  items: T[];
  /** Pass it to get the next page; null on the last. */
  nextPageToken: string | null;
}

/** Lets a caller give up on a call. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
}
