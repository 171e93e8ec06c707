import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MlflowClient, openTrackingStore, type TrackingStore } from 'mlflow-js-client';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { INSTALL_TIMEOUT_MS, type PythonReader, startMlflow, startPython } from './support/real-mlflow.ts';
import { describeSampleRun, EXPERIMENT, readSampleRun, writeSampleRun } from './support/sample-run.ts';
import { createTestFolder } from './support/temporary-folder.ts';

let python: PythonReader;
beforeAll(async () => {
  python = await startPython(import.meta.dirname);
}, INSTALL_TIMEOUT_MS);
afterAll(() => python?.stop());

async function openStore(folder: string): Promise<TrackingStore> {
  const store = await openTrackingStore(`sqlite:///${folder}/mlflow.db`, { artifactRoot: join(folder, 'mlruns') });
  onTestFinished(() => store.close());
  return store;
}

function versionOf(folder: string): unknown {
  const database = new DatabaseSync(join(folder, 'mlflow.db'), { readOnly: true });
  const row = database.prepare('SELECT version_num FROM alembic_version').get();
  database.close();
  return row?.['version_num'];
}

test('`mlflow ui` opens a database made here with no flag, shows its runs, and takes more from here while it runs', async () => {
  const folder = createTestFolder();
  const store = await openStore(folder);
  await writeSampleRun(store);
  expect(versionOf(folder)).toBe('6953534de441');
  const ui = await startMlflow('ui', [], folder);
  onTestFinished(() => ui.stop());
  const migrated = versionOf(folder);
  expect(migrated).not.toBe('6953534de441');
  const { runId } = await writeSampleRun(store, 'second');
  const client = new MlflowClient(ui.url);
  const experiment = await client.experiments.getByName(EXPERIMENT);
  const runs = await client.runs.search({
    experimentIds: [experiment?.experimentId ?? ''],
    orderBy: ['attributes.run_name'],
  });
  expect(runs.items.map((run) => [run.info.runName, run.info.status, run.metrics['train/loss']])).toEqual([
    ["first 'run': #1", 'FINISHED', 0.25],
    ['second', 'FINISHED', 0.25],
  ]);
  expect((await client.registry.getModel('crosscheck')).aliases).toEqual({ champion: '2' });
  expect((await store.getRun(runId)).outputModelIds).toHaveLength(1);
  expect(versionOf(folder)).toBe(migrated);
  client.close();
});

test('Python reads back a whole run and runs its model', async () => {
  const folder = createTestFolder();
  const { runId } = await writeSampleRun(await openStore(folder));
  expect(await readSampleRun(python, `sqlite:///${folder}/mlflow.db`, runId)).toEqual(describeSampleRun(runId));
});

test('a database that Python made is written to, and Python goes on with it', async () => {
  const folder = createTestFolder();
  const uri = `sqlite:///${folder}/mlflow.db`;
  const made = `
experiment = client.create_experiment('theirs', artifact_location='file://${folder}/elsewhere')
result = client.create_run(experiment, run_name='by python').info.run_id`;
  const theirs = await python.read<string>(uri, made);
  const store = await openStore(folder);
  const { experimentId, artifactLocation } = await store.getOrCreateExperiment({ name: 'theirs' });
  expect(artifactLocation).toBe(`file://${folder}/elsewhere`);
  await store.logBatch(theirs, { metrics: [{ key: 'f1', value: 0.5, step: 1 }], params: { a: 1 } });
  const ours = await store.createRun({ experimentId, runName: 'by node' });
  await store.uploadArtifact(ours.runId, { text: 'x' }, 'a/b.txt');
  expect(existsSync(join(folder, 'elsewhere', ours.runId, 'artifacts/a/b.txt'))).toBe(true);
  const read = `
client.log_metric('${theirs}', 'f1', 0.75, step=2)
client.log_metric('${ours.runId}', 'f1', 0.1)
result = [[r.info.run_name, r.data.metrics] for r in client.search_runs(['${experimentId}'], order_by=['attributes.run_name'])]`;
  expect(await python.read(uri, read)).toEqual([
    ['by node', { f1: 0.1 }],
    ['by python', { f1: 0.75 }],
  ]);
});

test('processes that write at the same time lose nothing', async () => {
  const folder = createTestFolder();
  const script = `
    import { openTrackingStore } from 'mlflow-js-client';
    const store = await openTrackingStore('sqlite:///${folder}/mlflow.db', { artifactRoot: '${folder}/mlruns' });
    const { experimentId } = await store.getOrCreateExperiment({ name: 'shared' });
    const { runId } = await store.createRun({ experimentId });
    for (let step = 0; step < 60; step++) await store.logBatch(runId, { metrics: [{ key: 'm', value: step, step }] });
    await store.endRun(runId);`;
  const args = [
    '--conditions=@crosscheck/source',
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '-e',
    script,
  ];
  const cwd = join(import.meta.dirname, '..');
  const codes = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const child = spawn(process.execPath, args, { cwd, stdio: 'inherit' });
      const [code] = (await once(child, 'exit')) as [number];
      return code;
    }),
  );
  expect(codes).toEqual([0, 0, 0]);
  const database = new DatabaseSync(join(folder, 'mlflow.db'));
  expect(database.prepare("SELECT count(*) AS n FROM experiments WHERE name = 'shared'").get()?.['n']).toBe(1);
  expect(database.prepare('SELECT count(*) AS n, count(DISTINCT run_uuid) AS runs FROM metrics').get()).toMatchObject({
    n: 180,
    runs: 3,
  });
  database.close();
});

test('keeps the value of the latest step, whatever the order of logging', async () => {
  const store = await openStore(createTestFolder());
  const { experimentId } = await store.getOrCreateExperiment({ name: 'e' });
  const { runId } = await store.createRun({ experimentId });
  for (const [step, value] of [
    [3, 0.3],
    [1, 0.1],
    [2, Number.NaN],
  ] as const)
    await store.logBatch(runId, { metrics: [{ key: 'm', value, step, timestamp: 1 }] });
  expect((await store.getRun(runId)).metrics).toEqual({ m: 0.3 });
  expect(await store.getMetricHistory(runId, 'm')).toEqual([
    { key: 'm', value: 0.1, step: 1, timestamp: 1 },
    { key: 'm', value: Number.NaN, step: 2, timestamp: 1 },
    { key: 'm', value: 0.3, step: 3, timestamp: 1 },
  ]);
});

test('params are written once, and a refused batch leaves nothing behind', async () => {
  const store = await openStore(createTestFolder());
  const { experimentId } = await store.getOrCreateExperiment({ name: 'e' });
  const { runId } = await store.createRun({ experimentId });
  await store.logBatch(runId, { params: { lr: 0.1 } });
  await store.logBatch(runId, { params: { lr: 0.1 } });
  const refused = store.logBatch(runId, { params: { first: 1, lr: 0.2 }, tags: { a: 'b' } });
  await expect(refused).rejects.toMatchObject({
    errorCode: 'INVALID_PARAMETER_VALUE',
    message: expect.stringContaining('"lr"') as string,
  });
  const run = await store.getRun(runId);
  expect(run.params).toEqual({ lr: '0.1' });
  expect(run.tags).not.toHaveProperty('a');
});

test('a run that resumes has no end, and a run can be renamed', async () => {
  const store = await openStore(createTestFolder());
  const { experimentId } = await store.getOrCreateExperiment({ name: 'e' });
  const { runId, runName } = await store.createRun({ experimentId });
  expect(runName).toMatch(/^[a-z]+-[a-z]+-\d+$/);
  await store.endRun(runId, 'KILLED', 5);
  expect((await store.getRun(runId)).info).toMatchObject({ status: 'KILLED', endTime: 5 });
  await store.updateRun(runId, { status: 'RUNNING', runName: 'again' });
  const { info, tags } = await store.getRun(runId);
  expect(info).toMatchObject({ status: 'RUNNING', endTime: null, runName: 'again' });
  expect(tags['mlflow.runName']).toBe('again');
});

test('waits for a writer that holds the file', async () => {
  const folder = createTestFolder();
  const store = await openStore(folder);
  const { experimentId } = await store.getOrCreateExperiment({ name: 'e' });
  const blocker = new DatabaseSync(join(folder, 'mlflow.db'));
  blocker.exec('BEGIN IMMEDIATE');
  setTimeout(() => blocker.exec('COMMIT'), 700);
  expect((await store.createRun({ experimentId })).status).toBe('RUNNING');
  blocker.close();
});

test('says what is wrong with ids, aliases, names, and databases that are not its own', async () => {
  const folder = createTestFolder();
  const store = await openStore(folder);
  await expect(store.getRun('nope')).rejects.toMatchObject({ errorCode: 'RESOURCE_DOES_NOT_EXIST' });
  await expect(store.createRun({ experimentId: '77' })).rejects.toThrow('no experiment with id 77');
  await expect(store.setModelAlias('m', 'v1', '1')).rejects.toThrow('neither "latest" nor "v<number>"');
  await expect(store.setModelAlias('m', 'best', '1')).rejects.toThrow('model "m" has no version 1');
  await expect(store.createLoggedModel({ experimentId: '0', name: 'a/b' })).rejects.toThrow('got "a/b"');
  const other = new DatabaseSync(join(folder, 'other.db'));
  other.exec('CREATE TABLE cats (name TEXT)');
  other.close();
  await expect(openTrackingStore(`sqlite:///${folder}/other.db`)).rejects.toThrow("but not MLflow's");
  const old = new DatabaseSync(join(folder, 'old.db'));
  old.exec('CREATE TABLE experiments (name TEXT); CREATE TABLE alembic_version (version_num TEXT)');
  old.close();
  await expect(openTrackingStore(`sqlite:///${folder}/old.db`)).rejects.toThrow('mlflow db upgrade');
  writeFileSync(
    join(folder, 'text.db'),
    'this is no database, only some text that is long enough to be read as a header',
  );
  await expect(openTrackingStore(`sqlite:///${folder}/text.db`)).rejects.toMatchObject({ name: 'MlflowError' });
  await expect(openTrackingStore('sqlite://')).rejects.toMatchObject({ errorCode: 'UNSUPPORTED_URI' });
  await expect(openTrackingStore('postgresql://u@h/db')).rejects.toThrow('expected http(s)://host, sqlite:///file.db');
});
