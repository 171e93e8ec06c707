import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MlflowError } from '../../errors.ts';
import { formatParam } from '../../limits.ts';
import type { NewLoggedModel } from '../../rest/logged-models.ts';
import type { LoggedModel, LoggedModelStatus, ModelVersion } from '../../types.ts';
import { userName } from '../../user.ts';
import { checkAlias, MODEL_STATUS } from '../local-backend.ts';
import { generateModelId } from '../run-names.ts';
import type { ModelRegistration } from '../tracking-store.ts';
import { listFolders, withLock, writeValue } from './folder.ts';
import { readMeta, textOf, writeMeta } from './meta-yaml.ts';

// <experiment>/models/<model>/{meta.yaml, params/, tags/, metrics/, artifacts/} and models/<name>/{meta.yaml, version-1/, aliases/, tags/}

export async function createLoggedModel(
  experiment: { folder: string; artifactLocation: string },
  model: NewLoggedModel,
): Promise<LoggedModel> {
  const { experimentId, name, modelType = '', sourceRunId = '', tags = {} } = model;
  const modelId = generateModelId();
  const creationTime = Date.now();
  const folder = join(experiment.folder, 'models', modelId);
  for (const part of ['metrics', 'params', 'tags', 'artifacts']) await mkdir(join(folder, part), { recursive: true });
  const artifactUri = `${experiment.artifactLocation}/models/${modelId}/artifacts`;
  const params = Object.fromEntries(
    Object.entries(model.params ?? {}).map(([key, value]) => [key, formatParam(value)]),
  );
  for (const [key, value] of Object.entries(params)) await writeValue(join(folder, 'params'), key, value);
  for (const [key, value] of Object.entries(tags)) await writeValue(join(folder, 'tags'), key, value);
  await writeMeta(join(folder, 'meta.yaml'), {
    artifact_location: artifactUri,
    creation_timestamp: creationTime,
    experiment_id: experimentId,
    last_updated_timestamp: creationTime,
    model_id: modelId,
    model_type: modelType || null,
    name,
    source_run_id: sourceRunId || null,
    status: MODEL_STATUS.LOGGED_MODEL_PENDING,
    status_message: null,
  });
  const status = 'LOGGED_MODEL_PENDING';
  return { modelId, experimentId, name, modelType, status, artifactUri, sourceRunId, params, tags, creationTime };
}

export async function finalizeLoggedModel(root: string, modelId: string, status: LoggedModelStatus): Promise<void> {
  const path = join(await findLoggedModel(root, modelId), 'meta.yaml');
  const meta = await readMeta(path);
  await writeMeta(path, { ...meta, status: MODEL_STATUS[status], last_updated_timestamp: Date.now() });
}

async function findLoggedModel(root: string, modelId: string): Promise<string> {
  for (const experiment of await listFolders(root)) {
    const folder = join(root, experiment, 'models', modelId);
    if (/^[\w-]+$/.test(modelId) && existsSync(join(folder, 'meta.yaml'))) return folder;
  }
  throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `no logged model with id ${modelId} in ${root}`);
}

export async function registerModel(root: string, registration: ModelRegistration): Promise<ModelVersion> {
  const { name, source, runId = '', modelId = '', description = '', tags = {}, aliases = [] } = registration;
  aliases.forEach(checkAlias);
  const storageLocation = await locate(root, source);
  return withLock(join(root, 'models', '.lock'), async () => {
    const folder = await createRegisteredModel(root, registration);
    const versions = (await listFolders(folder)).map((entry) => Number(/^version-(\d+)$/.exec(entry)?.[1] ?? 0));
    const version = Math.max(0, ...versions) + 1;
    const now = Date.now();
    for (const [key, value] of Object.entries(tags))
      await writeValue(join(folder, `version-${version}`, 'tags'), key, value);
    await mkdir(join(folder, `version-${version}`), { recursive: true });
    await writeMeta(join(folder, `version-${version}`, 'meta.yaml'), {
      creation_timestamp: now,
      current_stage: 'None',
      description: description || null,
      last_updated_timestamp: now,
      model_id: modelId || null,
      name,
      run_id: runId || null,
      run_link: null,
      source,
      status: 'READY',
      status_message: null,
      storage_location: storageLocation,
      user_id: userName(),
      version,
    });
    for (const alias of aliases) await setModelAlias(root, name, { alias, version: String(version) });
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
  });
}

async function createRegisteredModel(root: string, { name, registeredModel = {} }: ModelRegistration): Promise<string> {
  const folder = registeredModelFolder(root, name);
  if (existsSync(join(folder, 'meta.yaml'))) return folder;
  await mkdir(folder, { recursive: true });
  for (const [key, value] of Object.entries(registeredModel.tags ?? {}))
    await writeValue(join(folder, 'tags'), key, value);
  const now = Date.now();
  await writeMeta(join(folder, 'meta.yaml'), {
    aliases: {},
    creation_timestamp: now,
    description: registeredModel.description ?? null,
    last_updated_timestamp: now,
    name,
  });
  return folder;
}

function registeredModelFolder(root: string, name: string): string {
  if (name !== '' && !/[/\\:]/.test(name) && !/^\.+$/.test(name)) return join(root, 'models', name);
  throw new MlflowError(
    'INVALID_PARAMETER_VALUE',
    `a registered model's name may not be empty or hold / \\ :, got "${name}"`,
  );
}

async function locate(root: string, source: string): Promise<string> {
  const modelId = /^models:\/(m-\w+)$/.exec(source)?.[1];
  if (modelId === undefined) return source;
  const meta = await readMeta(join(await findLoggedModel(root, modelId), 'meta.yaml'));
  return textOf(meta, 'artifact_location');
}

export async function setModelAlias(
  root: string,
  name: string,
  target: { alias: string; version: string },
): Promise<void> {
  const folder = registeredModelFolder(root, name);
  if (!existsSync(join(folder, `version-${target.version}`, 'meta.yaml')))
    throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `model "${name}" has no version ${target.version} in ${root}`);
  await writeValue(join(folder, 'aliases'), target.alias, target.version);
}
