import { MlflowError, messageOf } from '../errors.ts';
import { type LoggedOnnxModel, logOnnxModel } from '../models/log-onnx-model.ts';
import type { TrackingStore } from '../stores/tracking-store.ts';
import type { CallOptions, MetricEntry } from '../types.ts';
import { type BatchRecord, countEntries, createBatch, type LogRecord, type RunTarget } from './records.ts';

// Enough to find a few bad entries in a full batch, not enough to hammer a server that refuses everything.
const MAX_REFUSALS = 40;

/** Where a record goes. */
export interface Destination {
  store: TrackingStore;
  runId: string;
  /** Called for what the server refuses for good; everything else of the record is stored. */
  onRefused(entries: number, message: string): void;
  /** Called for keys whose values were too long and were cut. */
  onTruncated?(keys: readonly string[]): void;
  onModel?(model: LoggedOnnxModel): void;
}

/** Makes the run of a target, or returns the id that it has. */
export async function resolveRun(store: TrackingStore, target: RunTarget): Promise<string> {
  if (target.runId !== null) return target.runId;
  const { experimentId } = await store.getOrCreateExperiment(target.experiment);
  return (await store.createRun({ ...target.run, experimentId })).runId;
}

/** Starts the run of a target, or sets it going again. */
export async function startRun(store: TrackingStore, target: RunTarget): Promise<string> {
  if (target.runId !== null) await store.updateRun(target.runId, { status: 'RUNNING' });
  return resolveRun(store, target);
}

/** Sends one record; throws only what another attempt may cure. */
export async function deliver(destination: Destination, record: LogRecord, options?: CallOptions): Promise<void> {
  if (record.kind === 'batch') return deliverBatch(destination, record, options);
  try {
    await deliverOperation(destination, record, options);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    destination.onRefused(1, messageOf(error));
  }
}

async function deliverOperation(
  destination: Destination,
  record: Exclude<LogRecord, BatchRecord>,
  options?: CallOptions,
): Promise<void> {
  const { store, runId } = destination;
  switch (record.kind) {
    case 'inputs':
      return store.logInputs(runId, record.datasets, options);
    case 'artifact':
      return store.uploadArtifact(runId, record.file, record.artifactPath, options);
    case 'content':
      return store.uploadArtifact(runId, record.bytes, record.artifactPath, options);
    case 'folder':
      await store.uploadArtifacts(runId, record.folder, record.artifactPath, options);
      return;
    case 'model': {
      const model = await logOnnxModel(store, runId, record.model, options);
      return destination.onModel?.(model);
    }
    case 'end':
      return store.updateRun(runId, { status: record.status, endTime: record.endTime }, options);
  }
}

/**
 * A function that sends the records of a spool. The first batch, and those that were on their way before, may have arrived already: points and
 * params that the run has are left out, so that each is there once whatever broke in between.
 */
export function createResender(destination: Destination): (record: LogRecord, options?: CallOptions) => Promise<void> {
  let isFirst = true;
  return async (record, options) => {
    if (record.kind !== 'batch') return deliver(destination, record, options);
    const isRepeated = isFirst || record.mayBeThere === true;
    const batch = isRepeated ? await withoutStored(destination, record) : record;
    await deliver(destination, batch, options);
    isFirst = false;
  };
}

async function withoutStored({ store, runId }: Destination, batch: BatchRecord): Promise<BatchRecord> {
  const known = (await store.getRun(runId)).params;
  const params = Object.entries(batch.params).filter(([key]) => !(key in known));
  const keys = [...new Set(batch.metrics.map(({ key }) => key))];
  const points = (await Promise.all(keys.map((key) => store.getMetricHistory(runId, key)))).flat();
  const stored = new Set(points.map(describePoint));
  const metrics = batch.metrics.filter((metric) => !stored.has(describePoint(metric)));
  return { ...batch, params: Object.fromEntries(params), metrics };
}

/** MLflow's databases keep the greatest number for infinity. */
function describePoint({ key, value, step = 0, timestamp }: MetricEntry): string {
  const kept = Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
  return [Math.round(step), timestamp === undefined ? '' : Math.round(timestamp), kept, key].join(' ');
}

/** One bad entry makes MLflow refuse a whole batch, so a refused batch is halved until the bad ones stand alone. */
async function deliverBatch(destination: Destination, batch: BatchRecord, options?: CallOptions): Promise<void> {
  const pieces = [batch];
  for (let refusals = 0; pieces.length > 0; ) {
    const piece = pieces.pop() as BatchRecord;
    const entries = countEntries(piece);
    if (entries === 0) continue;
    try {
      const { truncated } = await destination.store.logBatch(destination.runId, piece, options);
      if (truncated.length > 0) destination.onTruncated?.(truncated);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refusals += 1;
      const isHopeless = refusals > MAX_REFUSALS || error.errorCode === 'RESOURCE_DOES_NOT_EXIST';
      if (entries === 1 || isHopeless) destination.onRefused(entries, messageOf(error));
      else pieces.push(...halve(piece));
    }
  }
}

function halve(batch: BatchRecord): [BatchRecord, BatchRecord] {
  const [left, right] = [createBatch(), createBatch()];
  let index = 0;
  const half = countEntries(batch) / 2;
  const side = () => (index++ < half ? left : right);
  for (const [key, value] of Object.entries(batch.params)) side().params[key] = value;
  for (const [key, value] of Object.entries(batch.tags)) side().tags[key] = value;
  for (const metric of batch.metrics) side().metrics.push(metric);
  return [left, right];
}

const REFUSALS: ReadonlySet<string> = new Set([
  'BAD_REQUEST',
  'INVALID_PARAMETER_VALUE',
  'INVALID_STATE',
  'RESOURCE_ALREADY_EXISTS',
  'RESOURCE_DOES_NOT_EXIST',
  'UNSUPPORTED_URI',
]);

/** True when sending the same again would fail again; expired logins and absent servers are not refusals. */
function isRefusal(error: unknown): error is MlflowError {
  return error instanceof MlflowError && REFUSALS.has(error.errorCode);
}
