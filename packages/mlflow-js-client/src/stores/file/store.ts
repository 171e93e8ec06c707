import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MlflowError } from '../../errors.ts';
import { checkActive, type NewExperiment } from '../../rest/experiments.ts';
import type { Experiment } from '../../types.ts';
import { createLocalStore, type LocalBackend } from '../local-backend.ts';
import type { TrackingStore } from '../tracking-store.ts';
import { generateNumericId, listFolders, readValues, withLock, writeValue } from './folder.ts';
import { readMeta, textOf, writeMeta } from './meta-yaml.ts';
import * as models from './models.ts';
import * as runs from './runs.ts';

/** `./mlruns` or `file:///…` as a TrackingStore: the layout of MLflow's FileStore. */
export async function openFileStore(uri: string): Promise<TrackingStore> {
  const root = parseRoot(uri);
  await mkdir(root, { recursive: true });
  return createLocalStore(uri, createBackend(root));
}

function parseRoot(uri: string): string {
  if (uri.startsWith('file://')) return fileURLToPath(uri);
  return resolve(uri.replace(/^file:/, ''));
}

function createBackend(root: string): LocalBackend {
  const experimentOf = async (experimentId: string) => {
    const experiment = await readExperiment(root, experimentId);
    return { folder: join(root, experimentId), artifactLocation: experiment.artifactLocation };
  };
  return {
    getOrCreateExperiment: (experiment) => withLock(join(root, '.lock'), () => getOrCreateExperiment(root, experiment)),
    createRun: async (run) => runs.createRun(await experimentOf(run.experimentId), run),
    getRun: async (runId) => runs.readRun(await runs.findRun(root, runId)),
    getMetricHistory: async (runId, key) => runs.readMetricHistory(await runs.findRun(root, runId), key),
    logBatch: async (runId, batch) => runs.logBatch(root, await runs.findRun(root, runId), batch),
    logInputs: async (runId, datasets) => runs.logInputs(root, await runs.findRun(root, runId), datasets),
    logOutputs: async (runId, outputs) => runs.logOutputs(await runs.findRun(root, runId), outputs),
    updateRun: async (runId, update) => runs.updateRun(await runs.findRun(root, runId), update),
    createLoggedModel: async (model) => models.createLoggedModel(await experimentOf(model.experimentId), model),
    finalizeLoggedModel: (modelId, status) => models.finalizeLoggedModel(root, modelId, status),
    registerModel: (registration) => models.registerModel(root, registration),
    setModelAlias: (name, alias, version) => models.setModelAlias(root, name, { alias, version }),
    close: () => {},
  };
}

async function getOrCreateExperiment(root: string, experiment: NewExperiment): Promise<Experiment> {
  const ids = (await listFolders(root)).filter((id) => existsSync(join(root, id, 'meta.yaml')));
  const experiments = await Promise.all(ids.map((id) => readExperiment(root, id)));
  const existing = experiments.find(({ name }) => name === experiment.name);
  if (existing !== undefined) return checkActive(existing);
  // MLflow makes this one in every new folder, and its pages expect it.
  if (ids.length === 0) await createExperiment(root, '0', { name: 'Default' });
  const id = experiment.name === 'Default' && ids.length === 0 ? '0' : generateNumericId();
  if (id !== '0') await createExperiment(root, id, experiment);
  return readExperiment(root, id);
}

async function createExperiment(root: string, id: string, experiment: NewExperiment): Promise<void> {
  const folder = join(root, id);
  await mkdir(folder, { recursive: true });
  for (const [key, value] of Object.entries(experiment.tags ?? {})) await writeValue(join(folder, 'tags'), key, value);
  const now = Date.now();
  await writeMeta(join(folder, 'meta.yaml'), {
    artifact_location: experiment.artifactLocation ?? pathToFileURL(folder).href,
    creation_time: now,
    experiment_id: id,
    last_update_time: now,
    lifecycle_stage: 'active',
    name: experiment.name,
  });
}

async function readExperiment(root: string, id: string): Promise<Experiment> {
  const path = join(root, id, 'meta.yaml');
  if (!/^\w+$/.test(id) || !existsSync(path))
    throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `no experiment with id ${id} in ${root}`);
  const meta = await readMeta(path);
  return {
    experimentId: id,
    name: textOf(meta, 'name'),
    artifactLocation: textOf(meta, 'artifact_location'),
    lifecycleStage: meta['lifecycle_stage'] as Experiment['lifecycleStage'],
    tags: await readValues(join(root, id, 'tags')),
  };
}
