import { prepareBatch, splitBatch } from '../batches.ts';
import { MlflowError } from '../errors.ts';
import type {
  Batch,
  BatchReport,
  CallOptions,
  DatasetInput,
  MetricPoint,
  Page,
  Run,
  RunInfo,
  RunStatus,
} from '../types.ts';
import { type Api, toPage, walkPages } from './api.ts';
import type { SearchOptions } from './experiments.ts';
import {
  formatDatasetInput,
  parseMetricPoint,
  parseRun,
  parseRunInfo,
  toEntries,
  type WireMetricPoint,
  type WireRun,
  type WireRunInfo,
} from './wire.ts';

export interface NewRun {
  experimentId: string;
  /** Default: MLflow's `adjective-animal-number`. */
  runName?: string | undefined;
  /** Milliseconds since 1970; default now. */
  startTime?: number | undefined;
  /** Default: the `mlflow.user` tag, or `unknown`. */
  userId?: string | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
  /** Makes it a nested run (tag `mlflow.parentRunId`). */
  parentRunId?: string | undefined;
}

export interface RunUpdate {
  status?: RunStatus | undefined;
  /** Milliseconds since 1970. */
  endTime?: number | undefined;
  runName?: string | undefined;
}

export interface RunSearch extends SearchOptions {
  experimentIds: readonly string[];
  /** Default `ACTIVE_ONLY`. */
  runViewType?: 'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL' | undefined;
}

const HISTORY_PAGE = 25_000;

/** Runs of a server. */
export class Runs {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Starts a run; its status is RUNNING. */
  async create(run: NewRun): Promise<RunInfo> {
    const parent = run.parentRunId === undefined ? {} : { 'mlflow.parentRunId': run.parentRunId };
    const payload = {
      experiment_id: run.experimentId,
      run_name: run.runName,
      start_time: run.startTime ?? Date.now(),
      user_id: run.userId ?? run.tags?.['mlflow.user'] ?? 'unknown',
      tags: toEntries({ ...run.tags, ...parent }),
    };
    return parseRunInfo((await this.#api.send<{ run: WireRun }>('POST', 'runs/create', payload)).run.info);
  }

  async get(runId: string): Promise<Run> {
    return parseRun((await this.#api.get<{ run: WireRun }>('runs/get', { run_id: runId })).run);
  }

  async update(runId: string, update: RunUpdate, options?: CallOptions): Promise<RunInfo> {
    const payload = { run_id: runId, status: update.status, end_time: update.endTime, run_name: update.runName };
    return parseRunInfo(
      (await this.#api.send<{ run_info: WireRunInfo }>('POST', 'runs/update', payload, options)).run_info,
    );
  }

  /** Ends a run: FINISHED unless told otherwise, now unless told otherwise. */
  async terminate(runId: string, status: RunStatus = 'FINISHED', endTime: number = Date.now()): Promise<RunInfo> {
    return this.update(runId, { status, endTime });
  }

  /**
   * Logs metrics, params and tags in as few requests as the server allows. Repeating it does no harm.
   *
   * Keys are checked first (INVALID_PARAMETER_VALUE, nothing sent). Values longer than MLflow keeps are cut with a visible mark and
   * named in the report. NaN and infinities arrive; MLflow stores the latter as ±1.797e308.
   */
  async logBatch(runId: string, batch: Batch, options?: CallOptions): Promise<BatchReport> {
    const prepared = prepareBatch(batch);
    let requests = 0;
    for (const chunk of splitBatch(prepared)) {
      await this.#api.send('POST', 'runs/log-batch', { run_id: runId, ...chunk }, options);
      requests += 1;
    }
    return { requests, truncated: prepared.truncated };
  }

  async logMetric(runId: string, key: string, value: number, step: number = 0): Promise<void> {
    await this.logBatch(runId, { metrics: [{ key, value, step }] });
  }

  async logParam(runId: string, key: string, value: unknown): Promise<void> {
    await this.logBatch(runId, { params: { [key]: value } });
  }

  async setTag(runId: string, key: string, value: string): Promise<void> {
    await this.#api.send('POST', 'runs/set-tag', { run_id: runId, key, value });
  }

  async deleteTag(runId: string, key: string): Promise<void> {
    await this.#api.send('POST', 'runs/delete-tag', { run_id: runId, key });
  }

  /** Every stored point of a metric, in the server's order (by time, then step). */
  async getMetricHistory(runId: string, key: string): Promise<MetricPoint[]> {
    type Answer = { metrics?: WireMetricPoint[]; next_page_token?: string };
    const pages = walkPages(async (pageToken) => {
      const query = { run_id: runId, metric_key: key, max_results: HISTORY_PAGE, page_token: pageToken };
      const answer = await this.#api.get<Answer>('metrics/get-history', query);
      return toPage(answer.metrics, answer.next_page_token, parseMetricPoint);
    });
    const points: MetricPoint[] = [];
    for await (const point of pages) points.push(point);
    return points;
  }

  /** One page of a search, e.g. ``filter: "metrics.`val/f1` > 0.8 AND params.optimizer = 'adamw'"``. */
  async search(search: RunSearch): Promise<Page<Run>> {
    const payload = {
      experiment_ids: search.experimentIds,
      filter: search.filter,
      order_by: search.orderBy,
      max_results: search.maxResults ?? 1000,
      page_token: search.pageToken,
      run_view_type: search.runViewType,
    };
    const answer = await this.#api.send<{ runs?: WireRun[]; next_page_token?: string }>('POST', 'runs/search', payload);
    return toPage(answer.runs, answer.next_page_token, parseRun);
  }

  /** Every run that a search finds, page after page. */
  searchAll(search: RunSearch): AsyncGenerator<Run> {
    return walkPages((pageToken) => this.search({ ...search, pageToken: pageToken ?? search.pageToken }));
  }

  /** Says which data sets the run read. */
  async logInputs(runId: string, datasets: readonly DatasetInput[], options?: CallOptions): Promise<void> {
    for (const { name, digest } of datasets) checkDigest(name, digest);
    await this.#api.send(
      'POST',
      'runs/log-inputs',
      { run_id: runId, datasets: datasets.map(formatDatasetInput) },
      options,
    );
  }

  /** Says which logged models the run wrote. */
  async logOutputs(runId: string, models: readonly { modelId: string; step?: number | undefined }[]): Promise<void> {
    const payload = {
      run_id: runId,
      models: models.map(({ modelId, step }) => ({ model_id: modelId, step: step ?? 0 })),
    };
    await this.#api.send('POST', 'runs/outputs', payload);
  }

  /** Marks a run as deleted; `restore` brings it back. */
  async delete(runId: string): Promise<void> {
    await this.#api.send('POST', 'runs/delete', { run_id: runId });
  }

  async restore(runId: string): Promise<void> {
    await this.#api.send('POST', 'runs/restore', { run_id: runId });
  }
}

function checkDigest(name: string, digest: string): void {
  if (digest.length > 0 && digest.length <= 36) return;
  const message = `the digest of data set "${name}" must have 1 to 36 characters, got ${digest.length}; see computeDigest`;
  throw new MlflowError('INVALID_PARAMETER_VALUE', message);
}
