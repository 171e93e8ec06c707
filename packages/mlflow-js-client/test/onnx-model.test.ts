import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeOnnxModel, logOnnxModel, openTrackingStore } from 'mlflow-js-client';
import { expect, test } from 'vitest';
import { createTestFolder } from './support/temporary-folder.ts';

const onnxPath = join(import.meta.dirname, 'fixtures/linear.onnx');
const tensors = {
  inputs: [{ name: "it's", dtype: 'float32', shape: [-1, 3] }],
  outputs: [{ name: 'y', dtype: 'float32', shape: [-1, 1] }],
};

test('an ONNX file becomes the files of an MLflow model, big ones by their path', async () => {
  const identity = {
    modelId: 'm-1',
    runId: 'r1',
    artifactUri: 'file:///x',
    createdAt: new Date('2026-11-21T04:37:51.882Z'),
  };
  const files = await describeOnnxModel(
    { ...tensors, onnxPath, extraFiles: [join(import.meta.dirname, 'onnx-model.test.ts')] },
    identity,
  );
  expect(Object.keys(files).toSorted()).toEqual([
    'MLmodel',
    'conda.yaml',
    'linear.onnx',
    'linear.onnx.data',
    'onnx-model.test.ts',
    'python_env.yaml',
    'requirements.txt',
  ]);
  expect(files['linear.onnx']).toBe(onnxPath);
  const { text } = files['MLmodel'] as { text: string };
  expect(text).toContain('    providers: [CPUExecutionProvider]\n');
  expect(text).toContain(
    `  inputs: '[{"name":"it''s","type":"tensor","tensor-spec":{"dtype":"float32","shape":[-1,3]}}]'\n`,
  );
  expect(text).toContain("utc_time_created: '2026-11-21 04:37:51.882000'\n");
  expect(text).toContain('model_id: "m-1"\n');
  const requirements = files['requirements.txt'] as { text: string };
  expect(requirements.text).toMatch(/^mlflow==\S+\nonnx==\S+\nonnxruntime==\S+\nnumpy==\S+\n$/);
});

test('its external data is found by name, as exporters write it', async () => {
  const folder = createTestFolder();
  for (const name of ['m.onnx', 'm.onnx_data', 'm.onnx.data', 'm.onnx_data_1', 'other.onnx', 'm.txt'])
    copyFileSync(onnxPath, join(folder, name));
  const files = await describeOnnxModel({ ...tensors, onnxPath: join(folder, 'm.onnx') });
  expect(Object.keys(files).filter((name) => name.startsWith('m.'))).toEqual([
    'm.onnx',
    'm.onnx.data',
    'm.onnx_data',
    'm.onnx_data_1',
  ]);
});

test('says which file is missing, and which two have one name', async () => {
  const folder = createTestFolder();
  await expect(describeOnnxModel({ ...tensors, onnxPath: join(folder, 'absent.onnx') })).rejects.toThrow(
    /expected an ONNX file at .*absent\.onnx/,
  );
  writeFileSync(join(folder, 'linear.onnx'), '');
  const extraFiles = [join(folder, 'linear.onnx')];
  await expect(describeOnnxModel({ ...tensors, onnxPath, extraFiles })).rejects.toThrow(
    'two files of the model are called "linear.onnx"',
  );
});

test('a model whose files cannot be stored is marked as failed', async () => {
  const root = createTestFolder();
  const store = await openTrackingStore(root);
  const { experimentId } = await store.getOrCreateExperiment({ name: 'e' });
  const { runId } = await store.createRun({ experimentId });
  const options = { ...tensors, onnxPath, externalData: [join(root, 'absent.data')], registeredName: 'never' };
  await expect(logOnnxModel(store, runId, options)).rejects.toThrow('absent.data');
  const [modelId = ''] = readdirSync(join(root, experimentId, 'models'));
  expect(readFileSync(join(root, experimentId, 'models', modelId, 'meta.yaml'), 'utf8')).toContain('status: 3\n');
  expect(readdirSync(root)).not.toContain('models');
});
