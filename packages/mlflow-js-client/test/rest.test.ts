import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { MlflowClient, openTrackingStore } from 'mlflow-js-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  INSTALL_TIMEOUT_MS,
  type PythonReader,
  type RealServer,
  startMlflow,
  startPython,
} from './support/real-mlflow.ts';
import { describeSampleRun, readSampleRun, writeSampleRun } from './support/sample-run.ts';
import { createFolder, createTestFolder, removeFolder } from './support/temporary-folder.ts';

// Everything here talks to the real MLflow server.
const folder = createFolder();
let python: PythonReader;
let server: RealServer;
let client: MlflowClient;
let experimentId: string;

beforeAll(async () => {
  python = await startPython(folder);
  server = await startMlflow(
    'server',
    ['--backend-store-uri', 'sqlite:///server.db', '--artifacts-destination', './artifacts'],
    folder,
  );
  client = new MlflowClient(server.url, { maxRetries: 1 });
  experimentId = (await client.experiments.getOrCreate({ name: 'rest' })).experimentId;
}, INSTALL_TIMEOUT_MS);

afterAll(async () => {
  client?.close();
  python?.stop();
  await server?.stop();
  removeFolder(folder);
});

test('Python reads back a whole run and runs its model', async () => {
  const store = await openTrackingStore(server.url);
  const { runId } = await writeSampleRun(store);
  expect(await readSampleRun(python, server.url, runId)).toEqual(describeSampleRun(runId));
  store.close();
});

test('says which MLflow it talks to', async () => {
  expect(await client.getServerVersion()).toBe('3.17.2');
});

test('many processes that ask for one new experiment get the same one', async () => {
  const found = await Promise.all(Array.from({ length: 12 }, () => client.experiments.getOrCreate({ name: 'race' })));
  expect(new Set(found.map((experiment) => experiment.experimentId)).size).toBe(1);
});

test('experiments are found, tagged, deleted, refused while deleted, and restored', async () => {
  const { experimentId: id } = await client.experiments.getOrCreate({ name: 'short-lived', tags: { team: 'desk' } });
  await client.experiments.setTag(id, 'mlflow.note.content', 'why');
  expect((await client.experiments.get(id)).tags).toMatchObject({ team: 'desk', 'mlflow.note.content': 'why' });
  const { items } = await client.experiments.search({ filter: "tags.team = 'desk'" });
  expect(items.map((experiment) => experiment.name)).toEqual(['short-lived']);
  await client.experiments.delete(id);
  await expect(client.experiments.getOrCreate({ name: 'short-lived' })).rejects.toMatchObject({
    errorCode: 'INVALID_STATE',
  });
  await client.experiments.restore(id);
  expect((await client.experiments.getOrCreate({ name: 'short-lived' })).experimentId).toBe(id);
  expect(await client.experiments.getByName('never made')).toBeNull();
});

test('a batch larger than any limit arrives whole, and again does no harm', async () => {
  const { runId } = await client.runs.create({ experimentId });
  const metrics = Array.from({ length: 2500 }, (_, step) => ({
    key: 'loss',
    value: 1 / (step + 1),
    step,
    timestamp: 1000 + step,
  }));
  const numbered = (count: number, value: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]));
  const batch = { metrics, params: numbered(250, 'p'.repeat(6000)), tags: numbered(150, 't') };
  const { requests } = await client.runs.logBatch(runId, batch);
  expect(requests).toBeGreaterThanOrEqual(5);
  await client.runs.logBatch(runId, batch);
  const run = await client.runs.get(runId);
  expect(Object.keys(run.params)).toHaveLength(250);
  expect(Object.keys(run.tags).filter((key) => key.startsWith('k'))).toHaveLength(150);
  const history = await client.runs.getMetricHistory(runId, 'loss');
  expect(history.map(({ step, value }) => ({ step, value }))).toEqual(
    metrics.map(({ step, value }) => ({ step, value })),
  );
});

test('a long history comes page by page', async () => {
  const { runId } = await client.runs.create({ experimentId });
  const metrics = Array.from({ length: 26_000 }, (_, step) => ({ key: 'm', value: step, step, timestamp: step }));
  await client.runs.logBatch(runId, { metrics });
  const history = await client.runs.getMetricHistory(runId, 'm');
  expect(history).toHaveLength(26_000);
  expect(history.at(-1)).toEqual({ key: 'm', value: 25_999, step: 25_999, timestamp: 25_999 });
});

test('runs are found page by page, nested, renamed, tagged, ended, deleted and restored', async () => {
  const parent = await client.runs.create({ experimentId, runName: 'sweep' });
  for (const name of ['a', 'b', 'c'])
    await client.runs.create({ experimentId, runName: name, parentRunId: parent.runId, tags: { kind: 'child' } });
  const search = {
    experimentIds: [experimentId],
    filter: `tags.mlflow.parentRunId = '${parent.runId}'`,
    maxResults: 2,
  };
  expect((await client.runs.search(search)).nextPageToken).not.toBeNull();
  const names: string[] = [];
  for await (const run of client.runs.searchAll(search)) names.push(run.info.runName);
  expect(names.toSorted()).toEqual(['a', 'b', 'c']);
  await client.runs.setTag(parent.runId, 'x', '1');
  await client.runs.deleteTag(parent.runId, 'x');
  expect((await client.runs.get(parent.runId)).tags).not.toHaveProperty('x');
  expect(await client.runs.update(parent.runId, { runName: 'grid' })).toMatchObject({
    runName: 'grid',
    status: 'RUNNING',
    endTime: null,
  });
  expect(await client.runs.terminate(parent.runId, 'KILLED', 1234)).toMatchObject({ status: 'KILLED', endTime: 1234 });
  await client.runs.delete(parent.runId);
  expect((await client.runs.get(parent.runId)).info.lifecycleStage).toBe('deleted');
  await client.runs.restore(parent.runId);
});

test('errors keep the code and the words of MLflow', async () => {
  await expect(client.runs.get('0'.repeat(32))).rejects.toMatchObject({
    errorCode: 'RESOURCE_DOES_NOT_EXIST',
    status: 404,
    message: expect.stringContaining('not found') as string,
  });
  const { runId } = await client.runs.create({ experimentId });
  await client.runs.logParam(runId, 'lr', 1);
  await expect(client.runs.logParam(runId, 'lr', 2)).rejects.toMatchObject({
    errorCode: 'INVALID_PARAMETER_VALUE',
    status: 400,
    message: expect.stringContaining('Changing param values is not allowed') as string,
  });
});

test('artifacts travel as streams: files, bytes, text, folders, and back', async () => {
  const { runId } = await client.runs.create({ experimentId });
  const local = createTestFolder();
  const big = Buffer.alloc(20 * 1024 * 1024, 'crosscheck ');
  mkdirSync(join(local, 'sub/empty'), { recursive: true });
  writeFileSync(join(local, 'sub/big.bin'), big);
  writeFileSync(join(local, 'sub/nothing.txt'), '');
  expect(await client.uploadArtifacts(runId, local, 'up')).toEqual(['up/sub/big.bin', 'up/sub/nothing.txt']);
  await client.uploadArtifact(runId, Buffer.from([0, 255]), 'bytes.bin');
  await client.uploadArtifact(runId, { text: 'naïve' }, 'text.txt');
  expect(await client.listArtifacts(runId)).toEqual([
    { path: 'bytes.bin', isDirectory: false, sizeBytes: 2 },
    { path: 'text.txt', isDirectory: false, sizeBytes: 6 },
    { path: 'up/sub/big.bin', isDirectory: false, sizeBytes: big.length },
    { path: 'up/sub/nothing.txt', isDirectory: false, sizeBytes: 0 },
  ]);
  expect(await client.listArtifacts(runId, 'absent')).toEqual([]);
  expect(await text(await client.openArtifact(runId, 'text.txt'))).toBe('naïve');
  const back = join(local, 'back');
  expect(await client.downloadArtifacts(runId, 'up', back)).toEqual(['up/sub/big.bin', 'up/sub/nothing.txt']);
  expect(readFileSync(join(back, 'sub/big.bin')).equals(big)).toBe(true);
  await expect(client.downloadArtifact(runId, 'absent.bin', join(back, 'x'))).rejects.toMatchObject({
    errorCode: 'RESOURCE_DOES_NOT_EXIST',
  });
  await expect(client.uploadArtifact(runId, join(local, 'absent'), 'x')).rejects.toThrow('expected a file to upload');
});

test('logged models are found, described, failed and deleted', async () => {
  const model = await client.loggedModels.create({ experimentId, name: 'draft', params: { a: 1 }, tags: { x: 'y' } });
  expect(model).toMatchObject({ status: 'LOGGED_MODEL_PENDING', params: { a: '1' }, tags: { x: 'y' } });
  expect(model.modelId).toMatch(/^m-[0-9a-f]{32}$/);
  await client.loggedModels.logParams(model.modelId, { b: true });
  await client.loggedModels.setTags(model.modelId, { w: 'v' });
  await client.loggedModels.deleteTag(model.modelId, 'x');
  expect(await client.loggedModels.get(model.modelId)).toMatchObject({
    params: { a: '1', b: 'true' },
    tags: { w: 'v' },
  });
  expect((await client.loggedModels.finalize(model.modelId, 'LOGGED_MODEL_UPLOAD_FAILED')).status).toBe(
    'LOGGED_MODEL_UPLOAD_FAILED',
  );
  const search = {
    experimentIds: [experimentId],
    filter: "name = 'draft'",
    orderBy: [{ fieldName: 'creation_timestamp' }],
  };
  expect((await client.loggedModels.search(search)).items.map(({ modelId }) => modelId)).toEqual([model.modelId]);
  await client.loggedModels.delete(model.modelId);
  expect((await client.loggedModels.search(search)).items).toEqual([]);
});

test('the registry keeps models, versions, tags and aliases', async () => {
  const { registry } = client;
  const { runId } = await client.runs.create({ experimentId });
  const model = await client.loggedModels.create({ experimentId, name: 'model', sourceRunId: runId });
  await client.loggedModels.finalize(model.modelId);
  const described = { name: 'desk model', description: 'for the desk', tags: { team: 'desk' } };
  await Promise.all([registry.getOrCreateModel(described), registry.getOrCreateModel(described)]);
  const source = `models:/${model.modelId}`;
  const first = await registry.createVersion({
    name: 'desk model',
    source,
    runId,
    modelId: model.modelId,
    tags: { f1: '0.8' },
  });
  const second = await registry.createVersion({ name: 'desk model', source, description: 'again' });
  expect([first.version, second.version]).toEqual(['1', '2']);
  await registry.setAlias('desk model', 'champion', '1');
  await registry.setAlias('desk model', 'challenger', '2');
  await registry.setVersionTag('desk model', '2', { key: 'checked', value: 'yes' });
  await registry.setModelTag('desk model', 'kind', 'fusion');
  expect(await registry.getModel('desk model')).toEqual({
    name: 'desk model',
    description: 'for the desk',
    tags: { team: 'desk', kind: 'fusion' },
    aliases: { champion: '1', challenger: '2' },
  });
  expect(await registry.getVersion('desk model', '2')).toMatchObject({
    description: 'again',
    tags: { checked: 'yes' },
    aliases: ['challenger'],
  });
  expect((await registry.getVersionByAlias('desk model', 'champion')).version).toBe('1');
  expect(await registry.getDownloadUri('desk model', '1')).toBe(model.artifactUri);
  expect((await registry.searchModels({ filter: "name LIKE 'desk%'" })).items).toHaveLength(1);
  expect(
    (await registry.searchVersions({ filter: "name = 'desk model'", maxResults: 1 })).nextPageToken,
  ).not.toBeNull();
  await registry.deleteAlias('desk model', 'challenger');
  expect((await registry.getModel('desk model')).aliases).toEqual({ champion: '1' });
  await registry.deleteModel('desk model');
  await expect(registry.getModel('desk model')).rejects.toMatchObject({ errorCode: 'RESOURCE_DOES_NOT_EXIST' });
});
