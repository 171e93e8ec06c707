export type { ArtifactSource, ArtifactStore } from './artifacts/artifact-store.ts';
export { downloadFile, downloadFolder, listRecursively, uploadFolder } from './artifacts/folders.ts';
export type { ConnectionOptions, TlsOptions } from './connection.ts';
export { computeDigest, computeFileDigest } from './digest.ts';
export { isMlflowError, isTemporary, MlflowError, type MlflowErrorDetails } from './errors.ts';
export { explainKey, formatParam, LIMITS, sanitizeKey, truncateValue } from './limits.ts';
export { type LogSummary, RunLogger, type RunLoggerOptions } from './logging/run-logger.ts';
export { type SyncReport, syncSpool } from './logging/sync.ts';
export {
  createSystemSampler,
  type SystemMetricsOptions,
  type SystemSampler,
  startSystemMetrics,
} from './logging/system-metrics.ts';
export { type LoggedOnnxModel, logOnnxModel, type OnnxModelOptions } from './models/log-onnx-model.ts';
export {
  describeOnnxModel,
  type ModelIdentity,
  type OnnxModel,
  type PythonEnvironment,
  type TensorSpec,
} from './models/onnx-files.ts';
export { MlflowClient } from './rest/client.ts';
export type { Experiments, NewExperiment, SearchOptions } from './rest/experiments.ts';
export type { LoggedModelSearch, LoggedModels, NewLoggedModel } from './rest/logged-models.ts';
export type { NewModelVersion, NewRegisteredModel, Registry } from './rest/registry.ts';
export type { NewRun, RunSearch, Runs, RunUpdate } from './rest/runs.ts';
export { openTrackingStore, type StoreOptions } from './stores/open.ts';
export type { ModelRegistration, TrackingStore } from './stores/tracking-store.ts';
export type * from './types.ts';
export { userName } from './user.ts';
