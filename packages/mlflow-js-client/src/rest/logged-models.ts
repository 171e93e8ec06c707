import { formatParam } from '../limits.ts';
import type { LoggedModel, LoggedModelStatus, Page } from '../types.ts';
import { type Api, toPage } from './api.ts';
import { parseLoggedModel, toEntries, type WireLoggedModel } from './wire.ts';

export interface NewLoggedModel {
  experimentId: string;
  /** May not hold `/ : . % " '`; `runs:/<run id>/<name>` finds it in Python. */
  name: string;
  /** Free text, e.g. `onnx`. */
  modelType?: string | undefined;
  sourceRunId?: string | undefined;
  params?: Readonly<Record<string, unknown>> | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
}

export interface LoggedModelSearch {
  experimentIds: readonly string[];
  /** E.g. "metrics.accuracy > 0.8". */
  filter?: string | undefined;
  orderBy?:
    | readonly { fieldName: string; ascending?: boolean; datasetName?: string; datasetDigest?: string }[]
    | undefined;
  maxResults?: number | undefined;
  pageToken?: string | undefined;
}

/** Logged models of a server (MLflow 3). */
export class LoggedModels {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Announces a model; it is LOGGED_MODEL_PENDING until `finalize`. */
  async create(model: NewLoggedModel): Promise<LoggedModel> {
    const payload = {
      experiment_id: model.experimentId,
      name: model.name,
      model_type: model.modelType,
      source_run_id: model.sourceRunId,
      params: formatParams(model.params),
      tags: toEntries(model.tags),
    };
    return parseLoggedModel((await this.#api.send<{ model: WireLoggedModel }>('POST', 'logged-models', payload)).model);
  }

  async get(modelId: string): Promise<LoggedModel> {
    return parseLoggedModel((await this.#api.get<{ model: WireLoggedModel }>(endpointOf(modelId))).model);
  }

  /** Says that every file of the model is there, or that the upload failed. */
  async finalize(modelId: string, status: LoggedModelStatus = 'LOGGED_MODEL_READY'): Promise<LoggedModel> {
    const payload = { model_id: modelId, status };
    const answer = await this.#api.send<{ model: WireLoggedModel }>('PATCH', endpointOf(modelId), payload);
    return parseLoggedModel(answer.model);
  }

  async logParams(modelId: string, params: Readonly<Record<string, unknown>>): Promise<void> {
    const payload = { model_id: modelId, params: formatParams(params) };
    await this.#api.send('POST', `${endpointOf(modelId)}/params`, payload);
  }

  async setTags(modelId: string, tags: Readonly<Record<string, string>>): Promise<void> {
    await this.#api.send('PATCH', `${endpointOf(modelId)}/tags`, { model_id: modelId, tags: toEntries(tags) });
  }

  async deleteTag(modelId: string, key: string): Promise<void> {
    const payload = { model_id: modelId, tag_key: key };
    await this.#api.send('DELETE', `${endpointOf(modelId)}/tags/${encodeURIComponent(key)}`, payload);
  }

  async search(search: LoggedModelSearch): Promise<Page<LoggedModel>> {
    const payload = {
      experiment_ids: search.experimentIds,
      filter: search.filter,
      max_results: search.maxResults ?? 100,
      page_token: search.pageToken,
      order_by: search.orderBy?.map(({ fieldName, ascending, datasetName, datasetDigest }) => ({
        field_name: fieldName,
        ascending,
        dataset_name: datasetName,
        dataset_digest: datasetDigest,
      })),
    };
    type Answer = { models?: WireLoggedModel[]; next_page_token?: string };
    const answer = await this.#api.send<Answer>('POST', 'logged-models/search', payload);
    return toPage(answer.models, answer.next_page_token, parseLoggedModel);
  }

  async delete(modelId: string): Promise<void> {
    await this.#api.send('DELETE', endpointOf(modelId), { model_id: modelId });
  }
}

function endpointOf(modelId: string): string {
  return `logged-models/${encodeURIComponent(modelId)}`;
}

function formatParams(params: Readonly<Record<string, unknown>> = {}): { key: string; value: string }[] {
  return Object.entries(params).map(([key, value]) => ({ key, value: formatParam(value) }));
}
