import { randomUUID } from 'node:crypto';
import type { PreparedBatch, WireMetric } from '../../batches.ts';
import { MlflowError } from '../../errors.ts';
import type { RunUpdate } from '../../rest/runs.ts';
import { formatDatasetInput } from '../../rest/wire.ts';
import type { DatasetInput, MetricPoint, Run, RunInfo, RunStatus } from '../../types.ts';
import type { LocalRun, ModelOutput } from '../local-backend.ts';
import { generateRunId } from '../run-names.ts';
import type { Row, Transaction } from './database.ts';

/** The run that a row of `runs` describes. */
function parseRunInfo(row: Row): RunInfo {
  return {
    runId: String(row['run_uuid']),
    runName: String(row['name'] ?? ''),
    experimentId: String(row['experiment_id']),
    userId: String(row['user_id'] ?? ''),
    status: row['status'] as RunStatus,
    startTime: Number(row['start_time'] ?? 0),
    endTime: row['end_time'] === null ? null : Number(row['end_time']),
    artifactUri: String(row['artifact_uri'] ?? ''),
    lifecycleStage: row['lifecycle_stage'] as RunInfo['lifecycleStage'],
  };
}

export function createRun(db: Transaction, run: LocalRun): RunInfo {
  const experiment = db.get('SELECT artifact_location FROM experiments WHERE experiment_id = ?', run.experimentId);
  if (experiment === undefined) throw missing('experiment', run.experimentId);
  const runId = generateRunId();
  db.insert('runs', {
    run_uuid: runId,
    name: run.runName,
    source_type: 'UNKNOWN',
    source_name: '',
    entry_point_name: '',
    user_id: run.userId,
    status: 'RUNNING',
    start_time: run.startTime,
    end_time: null,
    source_version: '',
    lifecycle_stage: 'active',
    artifact_uri: `${String(experiment['artifact_location'])}/${runId}/artifacts`,
    experiment_id: run.experimentId,
    deleted_time: null,
  });
  for (const [key, value] of Object.entries(run.tags)) db.insert('tags', { key, value, run_uuid: runId });
  return getRunInfo(db, runId);
}

function getRunInfo(db: Transaction, runId: string): RunInfo {
  const row = db.get('SELECT * FROM runs WHERE run_uuid = ?', runId);
  if (row === undefined) throw missing('run', runId);
  return parseRunInfo(row);
}

function getActiveRun(db: Transaction, runId: string): RunInfo {
  const info = getRunInfo(db, runId);
  if (info.lifecycleStage === 'active') return info;
  throw new MlflowError('INVALID_STATE', `run ${runId} is deleted; restore it before logging to it`);
}

export function getRun(db: Transaction, runId: string): Run {
  const read = (table: string) => db.all(`SELECT * FROM ${table} WHERE run_uuid = ?`, runId);
  const text = (rows: Row[]) => Object.fromEntries(rows.map((row) => [String(row['key']), String(row['value'] ?? '')]));
  const outputs = "SELECT destination_id FROM inputs WHERE source_id = ? AND source_type = 'RUN_OUTPUT'";
  return {
    info: getRunInfo(db, runId),
    metrics: Object.fromEntries(read('latest_metrics').map((row) => [String(row['key']), valueOf(row)])),
    params: text(read('params')),
    tags: text(read('tags')),
    datasets: getDatasets(db, runId),
    outputModelIds: db.all(outputs, runId).map((row) => String(row['destination_id'])),
  };
}

function valueOf(row: Row): number {
  return row['is_nan'] ? Number.NaN : Number(row['value']);
}

function getDatasets(db: Transaction, runId: string): DatasetInput[] {
  const rows = db.all(
    `SELECT datasets.*, inputs.input_uuid FROM inputs JOIN datasets ON datasets.dataset_uuid = inputs.source_id
     WHERE inputs.destination_id = ? AND inputs.source_type = 'DATASET' AND inputs.destination_type = 'RUN'`,
    runId,
  );
  return rows.map((row) => {
    const entries = db.all('SELECT name, value FROM input_tags WHERE input_uuid = ?', String(row['input_uuid']));
    const tags = Object.fromEntries(entries.map((entry) => [String(entry['name']), String(entry['value'])]));
    const { 'mlflow.data.context': context, ...rest } = tags;
    return {
      name: String(row['name']),
      digest: String(row['digest']),
      sourceType: String(row['dataset_source_type']),
      source: String(row['dataset_source']),
      schema: row['dataset_schema'] === null ? undefined : String(row['dataset_schema']),
      profile: row['dataset_profile'] === null ? undefined : String(row['dataset_profile']),
      context,
      tags: rest,
    };
  });
}

export function getMetricHistory(db: Transaction, runId: string, key: string): MetricPoint[] {
  const sql = 'SELECT * FROM metrics WHERE run_uuid = ? AND key = ? ORDER BY timestamp, step, value';
  return db.all(sql, runId, key).map((row) => ({
    key,
    value: valueOf(row),
    step: Number(row['step']),
    timestamp: Number(row['timestamp']),
  }));
}

export function logBatch(db: Transaction, runId: string, batch: PreparedBatch): void {
  const info = getActiveRun(db, runId);
  for (const { key, value } of batch.params) writeParam(db, runId, key, value);
  for (const { key, value } of batch.tags) writeTag(db, runId, key, value);
  for (const metric of batch.metrics) writeMetric(db, info, metric);
}

function writeParam(db: Transaction, runId: string, key: string, value: string): void {
  if (db.insert('params', { key, value, run_uuid: runId }, 'IGNORE') === 1) return;
  const stored = db.get('SELECT value FROM params WHERE run_uuid = ? AND key = ?', runId, key)?.['value'];
  if (stored === value) return;
  const message = `changing param values is not allowed: "${key}" of run ${runId} is "${String(stored)}", got "${value}"`;
  throw new MlflowError('INVALID_PARAMETER_VALUE', message);
}

function writeTag(db: Transaction, runId: string, key: string, value: string): void {
  db.insert('tags', { key, value, run_uuid: runId }, 'REPLACE');
  if (key === 'mlflow.runName') db.run('UPDATE runs SET name = ? WHERE run_uuid = ?', value, runId);
}

const UPSERT_LATEST = `
  INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (key, run_uuid) DO UPDATE SET
    value = excluded.value, timestamp = excluded.timestamp, step = excluded.step, is_nan = excluded.is_nan
  WHERE (excluded.step, excluded.timestamp, excluded.value) > (step, timestamp, value)`;

function writeMetric(db: Transaction, info: RunInfo, metric: WireMetric): void {
  const { key, step, timestamp } = metric;
  const { value, isNan } = encodeValue(Number(metric.value));
  db.insert('metrics', { key, value, timestamp, run_uuid: info.runId, step, is_nan: isNan }, 'IGNORE');
  db.run(UPSERT_LATEST, key, value, timestamp, step, isNan, info.runId);
  if (metric.model_id !== undefined) writeModelMetric(db, info, metric, isNan ? null : value);
}

/** MLflow's columns hold no NaN and no infinity. */
function encodeValue(value: number): { value: number; isNan: 0 | 1 } {
  if (Number.isNaN(value)) return { value: 0, isNan: 1 };
  return { value: Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value)), isNan: 0 };
}

function writeModelMetric(db: Transaction, info: RunInfo, metric: WireMetric, value: number | null): void {
  const { dataset_name: name = null, dataset_digest: digest = null } = metric;
  const sql = 'SELECT dataset_uuid FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?';
  const dataset = db.get(sql, info.experimentId, name, digest);
  const row = {
    model_id: metric.model_id ?? '',
    metric_name: metric.key,
    metric_timestamp_ms: metric.timestamp,
    metric_step: metric.step,
    metric_value: value,
    experiment_id: info.experimentId,
    run_id: info.runId,
    dataset_uuid: dataset?.['dataset_uuid'] ?? null,
    dataset_name: name,
    dataset_digest: digest,
  };
  db.insert('logged_model_metrics', row, 'IGNORE');
}

export function updateRun(db: Transaction, runId: string, update: RunUpdate): void {
  const info = getActiveRun(db, runId);
  const status = update.status ?? info.status;
  // A run that goes on has no end.
  const endTime = update.endTime ?? (update.status === 'RUNNING' ? null : info.endTime);
  db.run('UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ?', status, endTime, runId);
  if (update.runName !== undefined) writeTag(db, runId, 'mlflow.runName', update.runName);
}

export function logInputs(db: Transaction, runId: string, datasets: readonly DatasetInput[]): void {
  const { experimentId } = getActiveRun(db, runId);
  for (const input of datasets) {
    const { dataset, tags } = formatDatasetInput(input);
    const row = {
      dataset_uuid: generateRunId(),
      experiment_id: experimentId,
      name: dataset.name,
      digest: dataset.digest,
      dataset_source_type: dataset.source_type,
      dataset_source: dataset.source,
      dataset_schema: dataset.schema ?? null,
      dataset_profile: dataset.profile ?? null,
    };
    db.insert('datasets', row, 'IGNORE');
    const sql = 'SELECT dataset_uuid FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?';
    const stored = db.get(sql, experimentId, dataset.name, dataset.digest);
    const datasetId = String(stored?.['dataset_uuid']);
    linkInput(db, { source: ['DATASET', datasetId], destination: ['RUN', runId], step: 0 }, tags);
  }
}

export function logOutputs(db: Transaction, runId: string, outputs: readonly ModelOutput[]): void {
  getActiveRun(db, runId);
  for (const { modelId, step } of outputs)
    linkInput(db, { source: ['RUN_OUTPUT', runId], destination: ['MODEL_OUTPUT', modelId], step }, []);
}

interface Link {
  source: [type: string, id: string];
  destination: [type: string, id: string];
  step: number;
}

function linkInput(db: Transaction, link: Link, tags: readonly { key: string; value: string }[]): void {
  const inputId = randomUUID().replaceAll('-', '');
  const row = {
    input_uuid: inputId,
    source_type: link.source[0],
    source_id: link.source[1],
    destination_type: link.destination[0],
    destination_id: link.destination[1],
    step: link.step,
  };
  if (db.insert('inputs', row, 'IGNORE') === 0) return;
  for (const { key, value } of tags) db.insert('input_tags', { input_uuid: inputId, name: key, value });
}

export function missing(what: string, id: string): MlflowError {
  return new MlflowError('RESOURCE_DOES_NOT_EXIST', `no ${what} with id ${id}`);
}
