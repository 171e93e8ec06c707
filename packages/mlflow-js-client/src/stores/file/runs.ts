import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PreparedBatch, WireMetric } from '../../batches.ts';
import { MlflowError } from '../../errors.ts';
import type { RunUpdate } from '../../rest/runs.ts';
import { formatDatasetInput } from '../../rest/wire.ts';
import type { DatasetInput, MetricPoint, Run, RunInfo, RunStatus } from '../../types.ts';
import { type LocalRun, type ModelOutput, RUN_STATUS } from '../local-backend.ts';
import { generateRunId } from '../run-names.ts';
import { listFolders, readValueOrNull, readValues, writeValue } from './folder.ts';
import { type Meta, mapOf, readMeta, textOf, writeMeta } from './meta-yaml.ts';

// <experiment>/<run>/{meta.yaml, metrics/, params/, tags/, inputs/, outputs/, artifacts/}

const STATUS_OF_NUMBER = Object.fromEntries(Object.entries(RUN_STATUS).map(([name, number]) => [number, name]));
// SourceType.LOCAL of MLflow's entities.
const SOURCE_TYPE_LOCAL = 4;

export interface RunFolder {
  folder: string;
  meta: Meta;
}

export async function createRun(
  experiment: { folder: string; artifactLocation: string },
  run: LocalRun,
): Promise<RunInfo> {
  const runId = generateRunId();
  const folder = join(experiment.folder, runId);
  for (const part of ['metrics', 'params', 'tags', 'artifacts']) await mkdir(join(folder, part), { recursive: true });
  const meta: Meta = {
    artifact_uri: `${experiment.artifactLocation}/${runId}/artifacts`,
    end_time: null,
    entry_point_name: '',
    experiment_id: run.experimentId,
    lifecycle_stage: 'active',
    run_id: runId,
    run_name: run.runName,
    source_name: '',
    source_type: SOURCE_TYPE_LOCAL,
    source_version: '',
    start_time: run.startTime,
    status: RUN_STATUS.RUNNING,
    tags: [],
    user_id: run.userId,
  };
  for (const [key, value] of Object.entries(run.tags)) await writeValue(join(folder, 'tags'), key, value);
  await writeMeta(join(folder, 'meta.yaml'), meta);
  return parseRunInfo(meta);
}

/** Finds a run by its id in any experiment. */
export async function findRun(root: string, runId: string): Promise<RunFolder> {
  for (const experiment of await listFolders(root)) {
    const folder = join(root, experiment, runId);
    if (/^[\w-]+$/.test(runId) && existsSync(join(folder, 'meta.yaml')))
      return { folder, meta: await readMeta(join(folder, 'meta.yaml')) };
  }
  throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `no run with id ${runId} in ${root}`);
}

function parseRunInfo(meta: Meta): RunInfo {
  return {
    runId: textOf(meta, 'run_id'),
    runName: textOf(meta, 'run_name'),
    experimentId: textOf(meta, 'experiment_id'),
    userId: textOf(meta, 'user_id'),
    status: STATUS_OF_NUMBER[Number(meta['status'])] as RunStatus,
    startTime: Number(meta['start_time']),
    endTime: meta['end_time'] === null ? null : Number(meta['end_time']),
    artifactUri: textOf(meta, 'artifact_uri'),
    lifecycleStage: meta['lifecycle_stage'] as RunInfo['lifecycleStage'],
  };
}

export async function readRun({ folder, meta }: RunFolder): Promise<Run> {
  const metrics = Object.entries(await readValues(join(folder, 'metrics')));
  return {
    info: parseRunInfo(meta),
    metrics: Object.fromEntries(metrics.map(([key, text]) => [key, pickLatest(parsePoints(key, text))])),
    params: await readValues(join(folder, 'params')),
    tags: await readValues(join(folder, 'tags')),
    datasets: await readDatasets(folder),
    outputModelIds: await listFolders(join(folder, 'outputs')),
  };
}

function pickLatest(points: readonly MetricPoint[]): number {
  const latest = points.reduce((a, b) =>
    b.step > a.step || (b.step === a.step && b.timestamp >= a.timestamp) ? b : a,
  );
  return latest.value;
}

const TEXT_VALUES: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity };

/** Lines of `<timestamp> <value> <step> …`. */
function parsePoints(key: string, text: string): MetricPoint[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [timestamp = '', value = '', step = '0'] = line.split(' ');
    return { key, value: TEXT_VALUES[value] ?? Number(value), step: Number(step), timestamp: Number(timestamp) };
  });
}

export async function readMetricHistory({ folder }: RunFolder, key: string): Promise<MetricPoint[]> {
  return parsePoints(key, (await readValueOrNull(join(folder, 'metrics'), key)) ?? '');
}

/** Everything is checked before anything is written. */
export async function logBatch(root: string, run: RunFolder, batch: PreparedBatch): Promise<void> {
  checkActive(run);
  for (const { key, value } of batch.params) await checkParam(run, key, value);
  for (const { key, value } of batch.params) await writeValue(join(run.folder, 'params'), key, value);
  for (const { key, value } of batch.tags) await writeTag(run, key, value);
  for (const [key, lines] of Object.entries(groupPoints(batch.metrics)))
    await appendLines(join(run.folder, 'metrics', key), lines);
  for (const metric of batch.metrics) if (metric.model_id !== undefined) await writeModelMetric(root, run, metric);
}

function groupPoints(metrics: readonly WireMetric[]): Record<string, string[]> {
  const lines: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const metric of metrics) (lines[metric.key] ??= []).push(formatPoint(metric));
  return lines;
}

async function checkParam({ folder, meta }: RunFolder, key: string, value: string): Promise<void> {
  const stored = await readValueOrNull(join(folder, 'params'), key);
  if (stored === null || stored === value) return;
  const message = `changing param values is not allowed: "${key}" of run ${textOf(meta, 'run_id')} is "${stored}", got "${value}"`;
  throw new MlflowError('INVALID_PARAMETER_VALUE', message);
}

async function writeTag(run: RunFolder, key: string, value: string): Promise<void> {
  await writeValue(join(run.folder, 'tags'), key, value);
  if (key === 'mlflow.runName') await writeMeta(join(run.folder, 'meta.yaml'), { ...run.meta, run_name: value });
}

/** As Python reads numbers, and with the run between step and data set where a model keeps the point. */
function formatPoint(metric: WireMetric, runId?: string): string {
  const value = Number(metric.value);
  const text = Number.isNaN(value) ? 'nan' : Number.isFinite(value) ? String(value) : value > 0 ? 'inf' : '-inf';
  const dataset = metric.dataset_name === undefined ? [] : [metric.dataset_name, metric.dataset_digest ?? ''];
  return [metric.timestamp, text, metric.step, ...(runId === undefined ? [] : [runId]), ...dataset].join(' ');
}

async function appendLines(path: string, lines: readonly string[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await appendFile(path, lines.map((line) => `${line}\n`).join(''));
}

async function writeModelMetric(root: string, { meta }: RunFolder, metric: WireMetric): Promise<void> {
  const model = join(root, textOf(meta, 'experiment_id'), 'models', metric.model_id ?? '');
  await appendLines(join(model, 'metrics', metric.key), [formatPoint(metric, textOf(meta, 'run_id'))]);
}

export async function updateRun(run: RunFolder, update: RunUpdate): Promise<void> {
  checkActive(run);
  const { status, endTime, runName } = update;
  const meta = {
    ...run.meta,
    ...(status === undefined ? {} : { status: RUN_STATUS[status] }),
    ...(status === 'RUNNING' ? { end_time: null } : {}),
    ...(endTime === undefined ? {} : { end_time: endTime }),
    ...(runName === undefined ? {} : { run_name: runName }),
  };
  await writeMeta(join(run.folder, 'meta.yaml'), meta);
  if (runName !== undefined) await writeValue(join(run.folder, 'tags'), 'mlflow.runName', runName);
}

export async function logInputs(root: string, run: RunFolder, datasets: readonly DatasetInput[]): Promise<void> {
  checkActive(run);
  for (const input of datasets) {
    const { dataset, tags } = formatDatasetInput(input);
    const datasetId = createHash('md5').update(`${dataset.name}\0${dataset.digest}`).digest('hex');
    const folder = join(root, textOf(run.meta, 'experiment_id'), 'datasets', datasetId);
    await mkdir(folder, { recursive: true });
    await writeMeta(join(folder, 'meta.yaml'), { schema: null, profile: null, ...dataset });
    await writeLink(join(run.folder, 'inputs'), {
      source_type: 'DATASET',
      source_id: datasetId,
      destination_type: 'RUN',
      destination_id: textOf(run.meta, 'run_id'),
      tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    });
  }
}

export async function logOutputs(run: RunFolder, outputs: readonly ModelOutput[]): Promise<void> {
  checkActive(run);
  for (const { modelId, step } of outputs) {
    const folder = join(run.folder, 'outputs', modelId);
    await mkdir(folder, { recursive: true });
    await writeMeta(join(folder, 'meta.yaml'), {
      source_type: 'RUN_OUTPUT',
      source_id: textOf(run.meta, 'run_id'),
      destination_type: 'MODEL_OUTPUT',
      destination_id: modelId,
      step,
      tags: {},
    });
  }
}

async function writeLink(parent: string, link: Meta): Promise<void> {
  const id = createHash('md5')
    .update(`${textOf(link, 'source_id')}\0${textOf(link, 'destination_id')}`)
    .digest('hex');
  await mkdir(join(parent, id), { recursive: true });
  await writeMeta(join(parent, id, 'meta.yaml'), link);
}

async function readDatasets(folder: string): Promise<DatasetInput[]> {
  const ids = await listFolders(join(folder, 'inputs'));
  return Promise.all(
    ids.map(async (id) => {
      const link = await readMeta(join(folder, 'inputs', id, 'meta.yaml'));
      const dataset = await readMeta(join(folder, '..', 'datasets', textOf(link, 'source_id'), 'meta.yaml'));
      const { 'mlflow.data.context': context, ...tags } = mapOf(link, 'tags');
      const text = (key: string) => textOf(dataset, key) || undefined;
      return {
        name: textOf(dataset, 'name'),
        digest: textOf(dataset, 'digest'),
        sourceType: textOf(dataset, 'source_type'),
        source: textOf(dataset, 'source'),
        schema: text('schema'),
        profile: text('profile'),
        context,
        tags,
      };
    }),
  );
}

function checkActive({ meta }: RunFolder): void {
  if (meta['lifecycle_stage'] === 'active') return;
  throw new MlflowError('INVALID_STATE', `run ${textOf(meta, 'run_id')} is deleted; restore it before logging to it`);
}
