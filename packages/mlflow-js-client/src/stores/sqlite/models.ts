import { MlflowError } from '../../errors.ts';
import { formatParam } from '../../limits.ts';
import type { NewLoggedModel } from '../../rest/logged-models.ts';
import type { LoggedModel, LoggedModelStatus, ModelVersion } from '../../types.ts';
import { userName } from '../../user.ts';
import { checkAlias, MODEL_STATUS } from '../local-backend.ts';
import { generateModelId } from '../run-names.ts';
import type { ModelRegistration } from '../tracking-store.ts';
import type { Transaction } from './database.ts';
import { missing } from './runs.ts';

export function createLoggedModel(db: Transaction, model: NewLoggedModel): LoggedModel {
  const { experimentId, name, modelType = '', sourceRunId = '', tags = {} } = model;
  const experiment = db.get('SELECT artifact_location FROM experiments WHERE experiment_id = ?', experimentId);
  if (experiment === undefined) throw missing('experiment', experimentId);
  const modelId = generateModelId();
  const creationTime = Date.now();
  const artifactUri = `${String(experiment['artifact_location'])}/models/${modelId}/artifacts`;
  db.insert('logged_models', {
    model_id: modelId,
    experiment_id: experimentId,
    name,
    artifact_location: artifactUri,
    creation_timestamp_ms: creationTime,
    last_updated_timestamp_ms: creationTime,
    status: MODEL_STATUS.LOGGED_MODEL_PENDING,
    lifecycle_stage: 'active',
    model_type: modelType || null,
    source_run_id: sourceRunId || null,
    status_message: null,
  });
  const owner = { model_id: modelId, experiment_id: experimentId };
  const params = Object.fromEntries(
    Object.entries(model.params ?? {}).map(([key, value]) => [key, formatParam(value)]),
  );
  for (const [key, value] of Object.entries(params))
    db.insert('logged_model_params', { ...owner, param_key: key, param_value: value });
  for (const [key, value] of Object.entries(tags))
    db.insert('logged_model_tags', { ...owner, tag_key: key, tag_value: value });
  const status = 'LOGGED_MODEL_PENDING';
  return { modelId, experimentId, name, modelType, status, artifactUri, sourceRunId, params, tags, creationTime };
}

export function finalizeLoggedModel(db: Transaction, modelId: string, status: LoggedModelStatus): void {
  const sql = 'UPDATE logged_models SET status = ?, last_updated_timestamp_ms = ? WHERE model_id = ?';
  if (db.run(sql, MODEL_STATUS[status], Date.now(), modelId) === 0) throw missing('logged model', modelId);
}

export function registerModel(db: Transaction, registration: ModelRegistration): ModelVersion {
  const { name, source, runId = '', modelId = '', description = '', tags = {}, aliases = [] } = registration;
  createRegisteredModel(db, registration);
  const now = Date.now();
  const newest = db.get('SELECT MAX(version) AS version FROM model_versions WHERE name = ?', name)?.['version'];
  const version = Number(newest ?? 0) + 1;
  db.insert('model_versions', {
    name,
    version,
    creation_time: now,
    last_updated_time: now,
    description: description || null,
    user_id: userName(),
    current_stage: 'None',
    source,
    run_id: runId || null,
    status: 'READY',
    status_message: null,
    run_link: null,
    storage_location: locate(db, source),
  });
  db.run('UPDATE registered_models SET last_updated_time = ? WHERE name = ?', now, name);
  for (const [key, value] of Object.entries(tags)) db.insert('model_version_tags', { key, value, name, version });
  for (const alias of aliases) setModelAlias(db, name, checkAlias(alias), String(version));
  const status = { status: 'READY', statusMessage: '' };
  return {
    name,
    version: String(version),
    ...status,
    source,
    runId,
    modelId,
    description,
    tags,
    aliases: [...aliases],
  };
}

function createRegisteredModel(db: Transaction, { name, registeredModel = {} }: ModelRegistration): void {
  const now = Date.now();
  const { description = null, tags = {} } = registeredModel;
  const row = { name, creation_time: now, last_updated_time: now, description };
  if (db.insert('registered_models', row, 'IGNORE') === 0) return;
  for (const [key, value] of Object.entries(tags)) db.insert('registered_model_tags', { key, value, name });
}

/** The folder behind `models:/m-…`; any other source is its own place. */
function locate(db: Transaction, source: string): string {
  const modelId = /^models:\/(m-\w+)$/.exec(source)?.[1];
  if (modelId === undefined) return source;
  const row = db.get('SELECT artifact_location FROM logged_models WHERE model_id = ?', modelId);
  if (row === undefined) throw missing('logged model', modelId);
  return String(row['artifact_location']);
}

export function setModelAlias(db: Transaction, name: string, alias: string, version: string): void {
  const known = db.get('SELECT 1 FROM model_versions WHERE name = ? AND version = ?', name, Number(version));
  if (known === undefined)
    throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `model "${name}" has no version ${version}`);
  db.insert('registered_model_aliases', { alias, version: Number(version), name }, 'REPLACE');
}
