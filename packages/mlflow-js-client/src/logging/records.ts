import { encodeMetricValue } from '../limits.ts';
import type { OnnxModelOptions } from '../models/log-onnx-model.ts';
import type { NewExperiment } from '../rest/experiments.ts';
import type { NewRun } from '../rest/runs.ts';
import type { DatasetInput, MetricEntry, RunStatus } from '../types.ts';

/** Which run the records belong to: an existing one, or one to be made once a server answers. */
export interface RunTarget {
  /** Where the run is kept, without credentials; spools of earlier versions do not say. */
  uri?: string;
  /** Goes on with the run of the spool before it, when that one has none yet. */
  continues?: boolean;
  experiment: NewExperiment;
  run: Omit<NewRun, 'experimentId'> & { startTime: number };
  runId: string | null;
}

export interface BatchRecord {
  kind: 'batch';
  metrics: MetricEntry[];
  params: Record<string, unknown>;
  tags: Record<string, string>;
  /** It was on its way when the connection broke, or says again what an earlier logger may have said: some of it may have arrived. */
  mayBeThere?: boolean;
}

/** What else a run may want stored; `file` is a path, relative to the spool folder once spooled. */
export type OperationRecord =
  | { kind: 'inputs'; datasets: DatasetInput[] }
  | { kind: 'artifact'; file: string; artifactPath: string }
  | { kind: 'content'; bytes: Uint8Array; artifactPath: string }
  | { kind: 'folder'; folder: string; artifactPath: string }
  | { kind: 'model'; model: OnnxModelOptions }
  | { kind: 'end'; status: RunStatus; endTime: number };

export type LogRecord = BatchRecord | OperationRecord;

export function createBatch(): BatchRecord {
  return { kind: 'batch', metrics: [], params: {}, tags: {} };
}

export function countEntries(batch: BatchRecord): number {
  return batch.metrics.length + Object.keys(batch.params).length + Object.keys(batch.tags).length;
}

/** One line of JSON; NaN and infinities as text, which JSON has no numbers for. */
export function formatRecord(record: LogRecord | ({ kind: 'target' } & RunTarget)): string {
  if (record.kind !== 'batch') return JSON.stringify(record);
  const metrics = record.metrics.map((metric) => ({ ...metric, value: encodeMetricValue(metric.value) }));
  return JSON.stringify({ ...record, metrics });
}

export function parseRecord(line: string): LogRecord | ({ kind: 'target' } & RunTarget) {
  const record = JSON.parse(line) as LogRecord;
  if (record.kind !== 'batch') return record;
  return { ...record, metrics: record.metrics.map((metric) => ({ ...metric, value: Number(metric.value) })) };
}
