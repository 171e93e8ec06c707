import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openTrackingStore } from 'mlflow-js-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { INSTALL_TIMEOUT_MS, type PythonReader, startPython } from './support/real-mlflow.ts';
import { describeSampleRun, readSampleRun, writeSampleRun } from './support/sample-run.ts';
import { createTestFolder } from './support/temporary-folder.ts';

let python: PythonReader;
beforeAll(async () => {
  python = await startPython(import.meta.dirname);
}, INSTALL_TIMEOUT_MS);
afterAll(() => python?.stop());

test('Python reads back a whole run and runs its model', async () => {
  const folder = createTestFolder();
  const uri = pathToFileURL(join(folder, 'mlruns')).href;
  const { runId } = await writeSampleRun(await openTrackingStore(uri));
  expect(await readSampleRun(python, uri, runId)).toEqual(describeSampleRun(runId));
});

test('a folder that Python made is written to, and Python goes on with it', async () => {
  const folder = createTestFolder();
  const root = join(folder, 'mlruns');
  const made = `
experiment = client.create_experiment('theirs: "quoted" and long enough that yaml.dump folds the text over two lines, with é')
run = client.create_run(experiment, run_name="by 'python': #1").info.run_id
client.log_metric(run, 'f1', float('nan'), step=1)
result = [run, client.get_experiment(experiment).name]`;
  const [theirs, name] = await python.read<[string, string]>(root, made);
  const store = await openTrackingStore(root);
  const { experimentId } = await store.getOrCreateExperiment({ name });
  await store.logBatch(theirs, { metrics: [{ key: 'f1', value: 0.5, step: 2 }] });
  await store.endRun(theirs, 'FAILED', 42);
  expect(await store.getRun(theirs)).toMatchObject({
    info: { runName: "by 'python': #1", status: 'FAILED' },
    metrics: { f1: 0.5 },
  });
  const read = `
run = client.get_run('${theirs}')
result = [len(client.search_experiments()), run.info.experiment_id, run.info.run_name, run.info.status, run.info.end_time, run.data.metrics['f1']]`;
  expect(await python.read(root, read)).toEqual([2, experimentId, "by 'python': #1", 'FAILED', 42, 0.5]);
});

test('many that ask for one new experiment get the same one, and the default one is there', async () => {
  const root = join(createTestFolder(), 'mlruns');
  const store = await openTrackingStore(root);
  const found = await Promise.all(Array.from({ length: 8 }, () => store.getOrCreateExperiment({ name: 'race' })));
  expect(new Set(found.map((experiment) => experiment.experimentId)).size).toBe(1);
  expect(found[0]?.experimentId).toMatch(/^[1-9]\d{17}$/);
  expect((await store.getOrCreateExperiment({ name: 'Default' })).experimentId).toBe('0');
});

test('metrics are appended, artifacts lie where MLflow looks for them', async () => {
  const root = join(createTestFolder(), 'mlruns');
  const store = await openTrackingStore(root);
  const { experimentId } = await store.getOrCreateExperiment({ name: 'e' });
  const { runId, artifactUri } = await store.createRun({ experimentId });
  expect(artifactUri).toBe(pathToFileURL(join(root, experimentId, runId, 'artifacts')).href);
  for (const step of [0, 1])
    await store.logBatch(runId, {
      metrics: [{ key: 'train/loss', value: step === 0 ? -Infinity : 1e-7, step, timestamp: 5 }],
    });
  expect(readFileSync(join(root, experimentId, runId, 'metrics/train/loss'), 'utf8')).toBe('5 -inf 0\n5 1e-7 1\n');
  await store.uploadArtifact(runId, { text: 'x' }, 'a/b.txt');
  expect(existsSync(join(root, experimentId, runId, 'artifacts/a/b.txt'))).toBe(true);
});

test('says what is wrong with ids, params and aliases', async () => {
  const store = await openTrackingStore(join(createTestFolder(), 'mlruns'));
  const { experimentId } = await store.getOrCreateExperiment({ name: 'e' });
  const { runId } = await store.createRun({ experimentId });
  await store.logBatch(runId, { params: { lr: 1 } });
  await expect(store.logBatch(runId, { params: { lr: 2 } })).rejects.toMatchObject({
    errorCode: 'INVALID_PARAMETER_VALUE',
  });
  await expect(store.getRun('../x')).rejects.toMatchObject({ errorCode: 'RESOURCE_DOES_NOT_EXIST' });
  await expect(store.setModelAlias('m', 'latest', '1')).rejects.toMatchObject({ errorCode: 'INVALID_PARAMETER_VALUE' });
  await expect(store.registerModel({ name: '../m', source: 'x' })).rejects.toMatchObject({
    errorCode: 'INVALID_PARAMETER_VALUE',
  });
  await expect(store.registerModel({ name: 'm', source: 'models:/m-absent' })).rejects.toThrow(
    'no logged model with id m-absent',
  );
});
