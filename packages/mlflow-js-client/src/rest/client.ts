import type { Readable } from 'node:stream';
import type { ArtifactSource, ArtifactStore } from '../artifacts/artifact-store.ts';
import { downloadFile, downloadFolder, listRecursively, uploadFolder } from '../artifacts/folders.ts';
import { openArtifacts } from '../artifacts/open-artifacts.ts';
import { type ConnectionOptions, resolveConnection } from '../connection.ts';
import type { ArtifactEntry, CallOptions } from '../types.ts';
import { createApi } from './api.ts';
import { Experiments } from './experiments.ts';
import { LoggedModels } from './logged-models.ts';
import { Registry } from './registry.ts';
import { Runs } from './runs.ts';
import { createTransport, type Transport } from './transport.ts';

/**
 * A client of one MLflow tracking server (3.x), over its REST interface.
 *
 * @throws MlflowError with MLflow's own `errorCode` and message, or `CONNECTION_FAILED`, `REQUEST_TIMEOUT`, … after the retries.
 * @example
 * const mlflow = new MlflowClient('http://127.0.0.1:5000');
 * const { experimentId } = await mlflow.experiments.getOrCreate({ name: 'captions' });
 * const run = await mlflow.runs.create({ experimentId, runName: 'first' });
 * await mlflow.runs.logBatch(run.runId, { params: { lr: 1e-3 }, metrics: [{ key: 'val/f1', value: 0.81, step: 3 }] });
 * await mlflow.runs.terminate(run.runId);
 */
export class MlflowClient {
  readonly trackingUri: string;
  readonly experiments: Experiments;
  readonly runs: Runs;
  readonly loggedModels: LoggedModels;
  readonly registry: Registry;
  readonly #transport: Transport;

  /** Default URI: `MLFLOW_TRACKING_URI`. */
  constructor(trackingUri: string = process.env['MLFLOW_TRACKING_URI'] ?? '', options: ConnectionOptions = {}) {
    this.#transport = createTransport(resolveConnection(trackingUri, options));
    this.trackingUri = this.#transport.connection.baseUrl;
    const api = createApi(this.#transport);
    this.experiments = new Experiments(api);
    this.runs = new Runs(api);
    this.loggedModels = new LoggedModels(api);
    this.registry = new Registry(api);
  }

  /** Version of the server, e.g. `3.17.2`. */
  async getServerVersion(): Promise<string> {
    const response = await this.#transport.open({ method: 'GET', path: '/version' });
    const parts: Buffer[] = await response.toArray();
    return Buffer.concat(parts).toString('utf8').trim();
  }

  /** The artifacts of a run; asks the server where they are. */
  async openRunArtifacts(runId: string): Promise<ArtifactStore> {
    const { info } = await this.runs.get(runId);
    return openArtifacts(info.artifactUri, this.#transport, runId);
  }

  /** The files of a logged model; asks the server where they are. */
  async openModelArtifacts(modelId: string): Promise<ArtifactStore> {
    const { artifactUri } = await this.loggedModels.get(modelId);
    return openArtifacts(artifactUri, this.#transport);
  }

  /** The files below any artifact URI that this client can reach. */
  openArtifacts(artifactUri: string, runId?: string): ArtifactStore {
    return openArtifacts(artifactUri, this.#transport, runId);
  }

  /** Uploads one file, streamed, or bytes or text. */
  async uploadArtifact(
    runId: string,
    source: ArtifactSource,
    artifactPath: string,
    options?: CallOptions,
  ): Promise<void> {
    await (await this.openRunArtifacts(runId)).upload(source, artifactPath, options);
  }

  /** Uploads every file below a folder; returns their artifact paths. */
  async uploadArtifacts(runId: string, folder: string, artifactPath: string = ''): Promise<string[]> {
    return uploadFolder(await this.openRunArtifacts(runId), folder, artifactPath);
  }

  /** Every file of a run below a folder. */
  async listArtifacts(runId: string, artifactPath: string = ''): Promise<ArtifactEntry[]> {
    return listRecursively(await this.openRunArtifacts(runId), artifactPath);
  }

  /** The bytes of one artifact, as they arrive. */
  async openArtifact(runId: string, artifactPath: string): Promise<Readable> {
    return (await this.openRunArtifacts(runId)).open(artifactPath);
  }

  async downloadArtifact(runId: string, artifactPath: string, target: string): Promise<void> {
    await downloadFile(await this.openRunArtifacts(runId), artifactPath, target);
  }

  /** Downloads everything below an artifact folder; returns the artifact paths. */
  async downloadArtifacts(runId: string, artifactPath: string, folder: string): Promise<string[]> {
    return downloadFolder(await this.openRunArtifacts(runId), artifactPath, folder);
  }

  /** Ends requests under way with CONNECTION_CLOSED, and refuses new ones. */
  close(): void {
    this.#transport.close();
  }
}
