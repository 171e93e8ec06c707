import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { uploadFolder } from '../artifacts/folders.ts';
import type { ConnectionOptions } from '../connection.ts';
import { MlflowClient } from '../rest/client.ts';
import type { TrackingStore } from './tracking-store.ts';

/** A tracking server as a TrackingStore. */
export function openRestStore(uri: string, options: ConnectionOptions = {}): TrackingStore {
  const client = new MlflowClient(uri, options);
  const { experiments, runs, loggedModels, registry } = client;
  const artifactsOf = rememberArtifacts(client);
  return {
    uri: client.trackingUri,
    getOrCreateExperiment: (experiment) => experiments.getOrCreate(experiment),
    createRun: (run) => runs.create(run),
    getRun: (runId) => runs.get(runId),
    getMetricHistory: (runId, key) => runs.getMetricHistory(runId, key),
    logBatch: (runId, batch, call) => runs.logBatch(runId, batch, call),
    setTags: async (runId, tags, call) => void (await runs.logBatch(runId, { tags }, call)),
    logInputs: (runId, datasets, call) => runs.logInputs(runId, datasets, call),
    logOutputs: (runId, models) => runs.logOutputs(runId, models),
    updateRun: async (runId, update, call) => void (await runs.update(runId, update, call)),
    endRun: async (runId, status, endTime) => void (await runs.terminate(runId, status, endTime)),
    uploadArtifact: async (runId, source, path, call) => (await artifactsOf(runId)).upload(source, path, call),
    uploadArtifacts: async (runId, folder, path, call) => uploadFolder(await artifactsOf(runId), folder, path, call),
    listArtifacts: (runId, path) => client.listArtifacts(runId, path),
    downloadArtifact: (runId, path, target) => client.downloadArtifact(runId, path, target),
    createLoggedModel: (model) => loggedModels.create(model),
    openModelArtifacts: ({ artifactUri }) => client.openArtifacts(artifactUri),
    finalizeLoggedModel: async (modelId, status) => void (await loggedModels.finalize(modelId, status)),
    async registerModel({ registeredModel, aliases = [], ...version }) {
      await registry.getOrCreateModel({ name: version.name, ...registeredModel });
      const created = await registry.createVersion(version);
      for (const alias of aliases) await registry.setAlias(version.name, alias, created.version);
      return { ...created, aliases: [...aliases] };
    },
    setModelAlias: (name, alias, version) => registry.setAlias(name, alias, version),
    close: () => client.close(),
  };
}

/** A run's artifact root never changes, so the server is asked once. */
function rememberArtifacts(client: MlflowClient): (runId: string) => Promise<ArtifactStore> {
  const opened = new Map<string, ArtifactStore>();
  return async (runId) => {
    const known = opened.get(runId);
    if (known !== undefined) return known;
    const artifacts = await client.openRunArtifacts(runId);
    opened.set(runId, artifacts);
    return artifacts;
  };
}
