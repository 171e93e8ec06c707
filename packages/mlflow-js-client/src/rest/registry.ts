import { isMlflowError } from '../errors.ts';
import type { ModelVersion, Page, RegisteredModel } from '../types.ts';
import { type Api, toPage } from './api.ts';
import type { SearchOptions } from './experiments.ts';
import {
  parseModelVersion,
  parseRegisteredModel,
  toEntries,
  type WireModelVersion,
  type WireRegisteredModel,
} from './wire.ts';

export interface NewRegisteredModel {
  name: string;
  description?: string | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
}

export interface NewModelVersion {
  name: string;
  /** `models:/m-…` for a logged model, or an artifact URI such as `mlflow-artifacts:/1/…/model`. */
  source: string;
  runId?: string | undefined;
  modelId?: string | undefined;
  description?: string | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
}

/** The model registry of a server. */
export class Registry {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async createModel({ name, description, tags }: NewRegisteredModel): Promise<RegisteredModel> {
    const payload = { name, description, tags: toEntries(tags) };
    type Answer = { registered_model: WireRegisteredModel };
    const answer = await this.#api.send<Answer>('POST', 'registered-models/create', payload);
    return parseRegisteredModel(answer.registered_model);
  }

  async getModel(name: string): Promise<RegisteredModel> {
    const answer = await this.#api.get<{ registered_model: WireRegisteredModel }>('registered-models/get', { name });
    return parseRegisteredModel(answer.registered_model);
  }

  /** The registered model of that name, made when absent; safe when many processes ask at once. */
  async getOrCreateModel(model: NewRegisteredModel): Promise<RegisteredModel> {
    try {
      return await this.createModel(model);
    } catch (error) {
      if (!isMlflowError(error, 'RESOURCE_ALREADY_EXISTS')) throw error;
      return this.getModel(model.name);
    }
  }

  async searchModels(options: SearchOptions = {}): Promise<Page<RegisteredModel>> {
    type Answer = { registered_models?: WireRegisteredModel[]; next_page_token?: string };
    const answer = await this.#api.get<Answer>('registered-models/search', searchQuery(options));
    return toPage(answer.registered_models, answer.next_page_token, parseRegisteredModel);
  }

  async setModelTag(name: string, key: string, value: string): Promise<void> {
    await this.#api.send('POST', 'registered-models/set-tag', { name, key, value });
  }

  async deleteModel(name: string): Promise<void> {
    await this.#api.send('DELETE', 'registered-models/delete', { name });
  }

  /** Adds a version to a registered model. */
  async createVersion(version: NewModelVersion): Promise<ModelVersion> {
    const { name, source, runId, description, tags } = version;
    // The server wants the id that such a source names.
    const modelId = version.modelId ?? /^models:\/(m-\w+)$/.exec(source)?.[1];
    const payload = { name, source, run_id: runId, model_id: modelId, description, tags: toEntries(tags) };
    type Answer = { model_version: WireModelVersion };
    return parseModelVersion((await this.#api.send<Answer>('POST', 'model-versions/create', payload)).model_version);
  }

  async getVersion(name: string, version: string): Promise<ModelVersion> {
    const answer = await this.#api.get<{ model_version: WireModelVersion }>('model-versions/get', { name, version });
    return parseModelVersion(answer.model_version);
  }

  async searchVersions(options: SearchOptions = {}): Promise<Page<ModelVersion>> {
    type Answer = { model_versions?: WireModelVersion[]; next_page_token?: string };
    const answer = await this.#api.get<Answer>('model-versions/search', searchQuery(options));
    return toPage(answer.model_versions, answer.next_page_token, parseModelVersion);
  }

  async setVersionTag(name: string, version: string, tag: { key: string; value: string }): Promise<void> {
    await this.#api.send('POST', 'model-versions/set-tag', { name, version, ...tag });
  }

  /** Points an alias at a version; `latest` and `v1`, `v2`, … are reserved by MLflow. */
  async setAlias(name: string, alias: string, version: string): Promise<void> {
    await this.#api.send('POST', 'registered-models/alias', { name, alias, version });
  }

  async deleteAlias(name: string, alias: string): Promise<void> {
    await this.#api.send('DELETE', 'registered-models/alias', { name, alias });
  }

  async getVersionByAlias(name: string, alias: string): Promise<ModelVersion> {
    const answer = await this.#api.get<{ model_version: WireModelVersion }>('registered-models/alias', { name, alias });
    return parseModelVersion(answer.model_version);
  }

  /** Where the files of a version lie. */
  async getDownloadUri(name: string, version: string): Promise<string> {
    return (await this.#api.get<{ artifact_uri: string }>('model-versions/get-download-uri', { name, version }))
      .artifact_uri;
  }
}

function searchQuery(options: SearchOptions) {
  return {
    filter: options.filter,
    order_by: options.orderBy,
    max_results: options.maxResults ?? 100,
    page_token: options.pageToken,
  };
}
