import type { TrackingStore } from '../stores/tracking-store.ts';
import type { CallOptions, LoggedModel, ModelVersion } from '../types.ts';
import { describeOnnxModel, type OnnxModel } from './onnx-files.ts';

/** How a model is kept and under which name it is registered. */
export interface OnnxModelOptions extends OnnxModel {
  /** Name of the logged model; `runs:/<run id>/<name>` finds it. Default `model`. */
  name?: string | undefined;
  /** Training step that it stems from. */
  step?: number | undefined;
  params?: Readonly<Record<string, unknown>> | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
  /** Metrics to show beside the model, e.g. `{'test/f1': 0.83}`. */
  metrics?: Readonly<Record<string, number>> | undefined;
  /** Registers a version under this name. */
  registeredName?: string | undefined;
  /** Aliases of that version, e.g. `['champion']`. */
  aliases?: readonly string[] | undefined;
}

export interface LoggedOnnxModel {
  model: LoggedModel;
  /** Null when it was not to be registered. */
  version: ModelVersion | null;
}

/**
 * Stores an ONNX model as a logged model of a run: files, link, metrics, then a version and its aliases.
 *
 * Afterwards `models:/<name>@<alias>`, `models:/<model id>` and `runs:/<run id>/<name>` load in Python. When a file cannot be stored the
 * model is marked LOGGED_MODEL_UPLOAD_FAILED and the error goes on.
 */
export async function logOnnxModel(
  store: TrackingStore,
  runId: string,
  options: OnnxModelOptions,
  call: CallOptions = {},
): Promise<LoggedOnnxModel> {
  const { info } = await store.getRun(runId);
  const { name = 'model', params, tags, step = 0 } = options;
  const { experimentId } = info;
  const announced = { experimentId, name, modelType: 'onnx', sourceRunId: runId, params, tags };
  const model = await store.createLoggedModel(announced);
  await uploadFiles(store, model, { options, call });
  await store.finalizeLoggedModel(model.modelId);
  await store.logOutputs(runId, [{ modelId: model.modelId, step }]);
  await logModelMetrics(store, model, options);
  return { model: { ...model, status: 'LOGGED_MODEL_READY' }, version: await register(store, model, options) };
}

async function uploadFiles(
  store: TrackingStore,
  model: LoggedModel,
  { options, call }: { options: OnnxModelOptions; call: CallOptions },
): Promise<void> {
  const { modelId, sourceRunId: runId, artifactUri } = model;
  try {
    const files = await describeOnnxModel(options, { modelId, runId, artifactUri });
    const artifacts = store.openModelArtifacts(model);
    for (const [path, source] of Object.entries(files)) await artifacts.upload(source, path, call);
  } catch (error) {
    // The first failure is the one to report.
    await store.finalizeLoggedModel(modelId, 'LOGGED_MODEL_UPLOAD_FAILED').catch(() => {});
    throw error;
  }
}

async function logModelMetrics(store: TrackingStore, model: LoggedModel, options: OnnxModelOptions): Promise<void> {
  const { metrics = {}, step = 0 } = options;
  const entries = Object.entries(metrics).map(([key, value]) => ({ key, value, step, modelId: model.modelId }));
  if (entries.length > 0) await store.logBatch(model.sourceRunId, { metrics: entries });
}

async function register(
  store: TrackingStore,
  model: LoggedModel,
  { registeredName, aliases }: OnnxModelOptions,
): Promise<ModelVersion | null> {
  if (registeredName === undefined) return null;
  const { modelId, sourceRunId: runId } = model;
  return store.registerModel({ name: registeredName, source: `models:/${modelId}`, runId, modelId, aliases });
}
