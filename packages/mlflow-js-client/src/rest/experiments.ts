import { isMlflowError, MlflowError } from '../errors.ts';
import type { Experiment, Page } from '../types.ts';
import { type Api, toPage } from './api.ts';
import { parseExperiment, toEntries, type WireExperiment } from './wire.ts';

export interface NewExperiment {
  name: string;
  /** Default: below the server's artifact root. */
  artifactLocation?: string | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
}

/** A search of experiments, runs, models: MLflow's filter language, order and paging. */
export interface SearchOptions {
  /** E.g. "name LIKE 'fake%' AND tags.team = 'desk'". */
  filter?: string | undefined;
  /** E.g. `['last_update_time DESC']`. */
  orderBy?: readonly string[] | undefined;
  maxResults?: number | undefined;
  pageToken?: string | undefined;
}

/** Experiments of a server. */
export class Experiments {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Creates an experiment and returns its id; RESOURCE_ALREADY_EXISTS when the name is taken, also by a deleted one. */
  async create({ name, artifactLocation, tags }: NewExperiment): Promise<string> {
    const payload = { name, artifact_location: artifactLocation, tags: toEntries(tags) };
    return (await this.#api.send<{ experiment_id: string }>('POST', 'experiments/create', payload)).experiment_id;
  }

  async get(experimentId: string): Promise<Experiment> {
    const query = { experiment_id: experimentId };
    return parseExperiment((await this.#api.get<{ experiment: WireExperiment }>('experiments/get', query)).experiment);
  }

  /** The experiment of that name, deleted ones included; null when there is none. */
  async getByName(name: string): Promise<Experiment | null> {
    const query = { experiment_name: name };
    try {
      const answer = await this.#api.get<{ experiment: WireExperiment }>('experiments/get-by-name', query);
      return parseExperiment(answer.experiment);
    } catch (error) {
      if (isMlflowError(error, 'RESOURCE_DOES_NOT_EXIST')) return null;
      throw error;
    }
  }

  /** The experiment of that name, made when absent; safe when many processes ask at once. */
  async getOrCreate(experiment: NewExperiment): Promise<Experiment> {
    const existing = await this.getByName(experiment.name);
    if (existing !== null) return checkActive(existing);
    try {
      return await this.get(await this.create(experiment));
    } catch (error) {
      if (!isMlflowError(error, 'RESOURCE_ALREADY_EXISTS')) throw error;
      const winner = await this.getByName(experiment.name);
      if (winner === null) throw error;
      return checkActive(winner);
    }
  }

  async setTag(experimentId: string, key: string, value: string): Promise<void> {
    await this.#api.send('POST', 'experiments/set-experiment-tag', { experiment_id: experimentId, key, value });
  }

  async search(options: SearchOptions = {}): Promise<Page<Experiment>> {
    const payload = {
      filter: options.filter,
      order_by: options.orderBy,
      max_results: options.maxResults ?? 1000,
      page_token: options.pageToken,
    };
    type Answer = { experiments?: WireExperiment[]; next_page_token?: string };
    const answer = await this.#api.send<Answer>('POST', 'experiments/search', payload);
    return toPage(answer.experiments, answer.next_page_token, parseExperiment);
  }

  /** Marks an experiment as deleted; `restore` brings it back. */
  async delete(experimentId: string): Promise<void> {
    await this.#api.send('POST', 'experiments/delete', { experiment_id: experimentId });
  }

  async restore(experimentId: string): Promise<void> {
    await this.#api.send('POST', 'experiments/restore', { experiment_id: experimentId });
  }
}

export function checkActive(experiment: Experiment): Experiment {
  if (experiment.lifecycleStage === 'active') return experiment;
  const { name, experimentId } = experiment;
  const advice = `restore it (mlflow experiments restore -x ${experimentId}) or use another name`;
  throw new MlflowError('INVALID_STATE', `experiment "${name}" is deleted, and runs need an active one; ${advice}`);
}
