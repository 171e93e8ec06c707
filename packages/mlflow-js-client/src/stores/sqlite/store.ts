import { resolve } from 'node:path';
import { MlflowError } from '../../errors.ts';
import { checkActive, type NewExperiment } from '../../rest/experiments.ts';
import type { Experiment } from '../../types.ts';
import { createLocalStore, type LocalBackend } from '../local-backend.ts';
import type { TrackingStore } from '../tracking-store.ts';
import { type Database, openDatabase, type Row, type Transaction } from './database.ts';
import * as models from './models.ts';
import * as runs from './runs.ts';

/** `sqlite:///mlflow.db` as a TrackingStore; artifacts of new experiments go below `artifactRoot`. */
export async function openSqliteStore(uri: string, artifactRoot: string): Promise<TrackingStore> {
  return createLocalStore(uri, createBackend(await openDatabase(parsePath(uri)), resolve(artifactRoot)));
}

/** SQLAlchemy's form: three slashes and a relative path, four for an absolute one. */
function parsePath(uri: string): string {
  const path = /^sqlite(?:\+\w+)?:\/\/\/([^?]+)/.exec(uri)?.[1];
  if (path !== undefined && path !== ':memory:') return path;
  throw new MlflowError('UNSUPPORTED_URI', `expected sqlite:///file.db or sqlite:////absolute/file.db, got "${uri}"`);
}

function createBackend(database: Database, artifactRoot: string): LocalBackend {
  const transact = <T>(act: (db: Transaction) => T): Promise<T> => database.transact(act);
  return {
    getOrCreateExperiment: (experiment) => transact((db) => getOrCreateExperiment(db, experiment, artifactRoot)),
    createRun: (run) => transact((db) => runs.createRun(db, run)),
    getRun: (runId) => transact((db) => runs.getRun(db, runId)),
    getMetricHistory: (runId, key) => transact((db) => runs.getMetricHistory(db, runId, key)),
    logBatch: (runId, batch) => transact((db) => runs.logBatch(db, runId, batch)),
    logInputs: (runId, datasets) => transact((db) => runs.logInputs(db, runId, datasets)),
    logOutputs: (runId, outputs) => transact((db) => runs.logOutputs(db, runId, outputs)),
    updateRun: (runId, update) => transact((db) => runs.updateRun(db, runId, update)),
    createLoggedModel: (model) => transact((db) => models.createLoggedModel(db, model)),
    finalizeLoggedModel: (modelId, status) => transact((db) => models.finalizeLoggedModel(db, modelId, status)),
    registerModel: (registration) => transact((db) => models.registerModel(db, registration)),
    setModelAlias: (name, alias, version) => transact((db) => models.setModelAlias(db, name, alias, version)),
    close: () => database.close(),
  };
}

function getOrCreateExperiment(db: Transaction, experiment: NewExperiment, artifactRoot: string): Experiment {
  const existing = findExperiment(db, experiment.name);
  if (existing !== null) return checkActive(existing);
  // MLflow makes this one in every new database, and its pages expect it.
  if (db.get('SELECT 1 FROM experiments') === undefined)
    insertExperiment(db, { name: 'Default' }, { id: 0, artifactRoot });
  const created = findExperiment(db, experiment.name);
  if (created !== null) return created;
  const newest = db.get('SELECT MAX(experiment_id) AS id FROM experiments')?.['id'];
  insertExperiment(db, experiment, { id: Number(newest ?? 0) + 1, artifactRoot });
  return findExperiment(db, experiment.name) as Experiment;
}

function insertExperiment(
  db: Transaction,
  experiment: NewExperiment,
  place: { id: number; artifactRoot: string },
): void {
  const now = Date.now();
  db.insert('experiments', {
    experiment_id: place.id,
    name: experiment.name,
    artifact_location: experiment.artifactLocation ?? `${place.artifactRoot}/${place.id}`,
    lifecycle_stage: 'active',
    creation_time: now,
    last_update_time: now,
  });
  for (const [key, value] of Object.entries(experiment.tags ?? {}))
    db.insert('experiment_tags', { key, value, experiment_id: place.id });
}

function findExperiment(db: Transaction, name: string): Experiment | null {
  const row = db.get('SELECT * FROM experiments WHERE name = ? ORDER BY experiment_id', name);
  return row === undefined ? null : parseExperiment(db, row);
}

function parseExperiment(db: Transaction, row: Row): Experiment {
  const experimentId = String(row['experiment_id']);
  const tags = db.all('SELECT key, value FROM experiment_tags WHERE experiment_id = ?', experimentId);
  return {
    experimentId,
    name: String(row['name']),
    artifactLocation: String(row['artifact_location'] ?? ''),
    lifecycleStage: row['lifecycle_stage'] as Experiment['lifecycleStage'],
    tags: Object.fromEntries(tags.map((tag) => [String(tag['key']), String(tag['value'] ?? '')])),
  };
}
