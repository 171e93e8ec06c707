import type {
  DatasetInput,
  Experiment,
  LifecycleStage,
  LoggedModel,
  LoggedModelStatus,
  MetricPoint,
  ModelVersion,
  RegisteredModel,
  Run,
  RunInfo,
  RunStatus,
} from '../types.ts';

// The server's JSON, as far as this client reads it. 64-bit numbers come as numbers or as text; absent means the default.
type Int64 = number | string;
interface WireEntry {
  key: string;
  value?: string;
}

export interface WireExperiment {
  experiment_id: string;
  name: string;
  artifact_location?: string;
  lifecycle_stage?: LifecycleStage;
  tags?: WireEntry[];
}

export interface WireRunInfo {
  run_id: string;
  run_name?: string;
  experiment_id: string;
  user_id?: string;
  status: RunStatus;
  start_time?: Int64;
  end_time?: Int64;
  artifact_uri?: string;
  lifecycle_stage?: LifecycleStage;
}

export interface WireMetricPoint {
  key: string;
  value: number | string;
  timestamp?: Int64;
  step?: Int64;
}

interface WireDataset {
  name: string;
  digest: string;
  source_type: string;
  source: string;
  schema?: string;
  profile?: string;
}

export interface WireRun {
  info: WireRunInfo;
  data?: { metrics?: WireMetricPoint[]; params?: WireEntry[]; tags?: WireEntry[] };
  inputs?: { dataset_inputs?: { tags?: WireEntry[]; dataset: WireDataset }[] };
  outputs?: { model_outputs?: { model_id: string; step?: Int64 }[] };
}

export interface WireLoggedModel {
  info: {
    model_id: string;
    experiment_id: string;
    name: string;
    model_type?: string;
    status: LoggedModelStatus;
    artifact_uri: string;
    source_run_id?: string;
    creation_timestamp_ms?: Int64;
    tags?: WireEntry[];
  };
  data?: { params?: WireEntry[] };
}

export interface WireRegisteredModel {
  name: string;
  description?: string;
  tags?: WireEntry[];
  aliases?: { alias: string; version: string }[];
}

export interface WireModelVersion {
  name: string;
  version: Int64;
  status?: string;
  status_message?: string;
  source?: string;
  run_id?: string;
  model_id?: string;
  description?: string;
  tags?: WireEntry[];
  aliases?: string[];
}

/** `{a: 'b'}` as `[{key: 'a', value: 'b'}]`. */
export function toEntries(record: Readonly<Record<string, string>> = {}): { key: string; value: string }[] {
  return Object.entries(record).map(([key, value]) => ({ key, value }));
}

function toRecord(entries: readonly WireEntry[] = []): Record<string, string> {
  return Object.fromEntries(entries.map(({ key, value }) => [key, value ?? '']));
}

export function parseExperiment(wire: WireExperiment): Experiment {
  return {
    experimentId: wire.experiment_id,
    name: wire.name,
    artifactLocation: wire.artifact_location ?? '',
    lifecycleStage: wire.lifecycle_stage ?? 'active',
    tags: toRecord(wire.tags),
  };
}

export function parseRunInfo(wire: WireRunInfo): RunInfo {
  return {
    runId: wire.run_id,
    runName: wire.run_name ?? '',
    experimentId: wire.experiment_id,
    userId: wire.user_id ?? '',
    status: wire.status,
    startTime: Number(wire.start_time ?? 0),
    endTime: wire.end_time === undefined ? null : Number(wire.end_time),
    artifactUri: wire.artifact_uri ?? '',
    lifecycleStage: wire.lifecycle_stage ?? 'active',
  };
}

export function parseRun(wire: WireRun): Run {
  const { metrics = [], params, tags } = wire.data ?? {};
  return {
    info: parseRunInfo(wire.info),
    metrics: Object.fromEntries(metrics.map(({ key, value }) => [key, Number(value)])),
    params: toRecord(params),
    tags: toRecord(tags),
    datasets: (wire.inputs?.dataset_inputs ?? []).map(parseDatasetInput),
    outputModelIds: (wire.outputs?.model_outputs ?? []).map((output) => output.model_id),
  };
}

function parseDatasetInput(wire: { tags?: WireEntry[]; dataset: WireDataset }): DatasetInput {
  const { 'mlflow.data.context': context, ...tags } = toRecord(wire.tags);
  const { name, digest, source_type: sourceType, source, schema, profile } = wire.dataset;
  return {
    name,
    digest,
    sourceType,
    source,
    tags,
    ...(schema === undefined ? {} : { schema }),
    ...(profile === undefined ? {} : { profile }),
    ...(context === undefined ? {} : { context }),
  };
}

export interface WireDatasetInput {
  tags: { key: string; value: string }[];
  dataset: WireDataset;
}

/** Source, schema and profile travel as JSON inside a string. */
export function formatDatasetInput(input: DatasetInput): WireDatasetInput {
  const context = input.context === undefined ? {} : { 'mlflow.data.context': input.context };
  const text = (value: string | Record<string, unknown>) => (typeof value === 'string' ? value : JSON.stringify(value));
  return {
    tags: toEntries({ ...context, ...input.tags }),
    dataset: {
      name: input.name,
      digest: input.digest,
      source_type: input.sourceType,
      source: text(input.source),
      ...(input.schema === undefined ? {} : { schema: text(input.schema) }),
      ...(input.profile === undefined ? {} : { profile: text(input.profile) }),
    },
  };
}

export function parseMetricPoint(wire: WireMetricPoint): MetricPoint {
  return {
    key: wire.key,
    value: Number(wire.value),
    step: Number(wire.step ?? 0),
    timestamp: Number(wire.timestamp ?? 0),
  };
}

export function parseLoggedModel({ info, data }: WireLoggedModel): LoggedModel {
  return {
    modelId: info.model_id,
    experimentId: info.experiment_id,
    name: info.name,
    modelType: info.model_type ?? '',
    status: info.status,
    artifactUri: info.artifact_uri,
    sourceRunId: info.source_run_id ?? '',
    params: toRecord(data?.params),
    tags: toRecord(info.tags),
    creationTime: Number(info.creation_timestamp_ms ?? 0),
  };
}

export function parseRegisteredModel(wire: WireRegisteredModel): RegisteredModel {
  return {
    name: wire.name,
    description: wire.description ?? '',
    tags: toRecord(wire.tags),
    aliases: Object.fromEntries((wire.aliases ?? []).map(({ alias, version }) => [alias, version])),
  };
}

export function parseModelVersion(wire: WireModelVersion): ModelVersion {
  return {
    name: wire.name,
    version: String(wire.version),
    status: wire.status ?? '',
    statusMessage: wire.status_message ?? '',
    source: wire.source ?? '',
    runId: wire.run_id ?? '',
    modelId: wire.model_id ?? '',
    description: wire.description ?? '',
    tags: toRecord(wire.tags),
    aliases: wire.aliases ?? [],
  };
}
