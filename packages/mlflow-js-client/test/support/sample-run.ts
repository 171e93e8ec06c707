import { join } from 'node:path';
import { logOnnxModel, type RunInfo, type TrackingStore } from 'mlflow-js-client';
import type { PythonReader } from './real-mlflow.ts';

const fixtures = join(import.meta.dirname, '../fixtures');
export const EXPERIMENT = 'posts: vérité';

/** A run with something of everything that a store keeps. */
export async function writeSampleRun(store: TrackingStore, runName = "first 'run': #1"): Promise<RunInfo> {
  const note = { 'mlflow.note.content': 'two\nlines' };
  const { experimentId } = await store.getOrCreateExperiment({ name: EXPERIMENT, tags: note });
  const run = await store.createRun({ experimentId, runName, userId: 'ada', startTime: 1_700_000_000_000 });
  await store.logInputs(run.runId, [
    {
      name: 'train.csv',
      digest: '5eb63bbb',
      sourceType: 'local',
      source: { uri: '/data/train.csv' },
      schema: { mlflow_colspec: [{ name: 'text', type: 'string' }] },
      profile: { num_rows: 3 },
      context: 'training',
    },
  ]);
  await store.logBatch(run.runId, {
    params: { 'training.learning_rate': 1e-3, words: 'a\nb: "c"', long: 'x'.repeat(7000) },
    tags: { stage: 'test' },
    metrics: [
      { key: 'train/loss', value: 0.5, step: 0, timestamp: 1_700_000_000_100 },
      { key: 'train/loss', value: Number.NaN, step: 1, timestamp: 1_700_000_000_200 },
      { key: 'train/loss', value: 0.25, step: 2, timestamp: 1_700_000_000_300 },
      { key: 'grad norm', value: Infinity, step: 0, timestamp: 1_700_000_000_300 },
    ],
  });
  await store.setTags(run.runId, { stage: 'done' });
  await store.uploadArtifact(run.runId, { text: 'héllo' }, 'notes/a b é.txt');
  await store.uploadArtifacts(run.runId, fixtures, 'fixtures');
  await logOnnxModel(store, run.runId, {
    onnxPath: join(fixtures, 'linear.onnx'),
    inputs: [{ name: 'x', dtype: 'float32', shape: [-1, 3] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [-1, 1] }],
    inputExample: { x: [[1, 2, 3]] },
    params: { precision: 'fp32' },
    metrics: { 'test/f1': 0.75 },
    step: 2,
    registeredName: 'crosscheck',
    aliases: ['champion'],
  });
  await store.endRun(run.runId, 'FINISHED', 1_700_000_100_000);
  return run;
}

/** Reads a sample run back through MLflow's own Python client, and runs its model. */
export function readSampleRun(python: PythonReader, trackingUri: string, runId: string): Promise<unknown> {
  return python.read(trackingUri, `RUN = '${runId}'\n${READ}`);
}

/** What Python should find. */
export function describeSampleRun(runId: string): unknown {
  return {
    experiment: EXPERIMENT,
    note: 'two\nlines',
    name: "first 'run': #1",
    user: 'ada',
    status: 'FINISHED',
    times: [1_700_000_000_000, 1_700_000_100_000],
    params: {
      'training.learning_rate': '0.001',
      words: 'a\nb: "c"',
      long: `${'x'.repeat(5976)}… (1024 more characters)`,
    },
    latest: 0.25,
    // MLflow's databases keep the largest number for an infinity, its files keep "inf".
    isHuge: true,
    history: [
      [0, '0.5'],
      [1, 'nan'],
      [2, '0.25'],
    ],
    stage: 'done',
    dataset: ['train.csv', '5eb63bbb', '{"uri":"/data/train.csv"}', '{"num_rows":3}', 'training'],
    files: ['fixtures', 'notes'],
    text: 'héllo',
    model: ['model', 'onnx', 'READY', { precision: 'fp32' }, [['test/f1', 0.75]]],
    outputs: 1,
    found: 1,
    version: ['1', runId, ['champion']],
    predictions: [[[6]], [[6]], [[6]], [[6]]],
    signature: '[{"name": "x", "type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}}]',
  };
}

const READ = `
import numpy as np
run = client.get_run(RUN)
experiment = client.get_experiment(run.info.experiment_id)
model = [m for m in client.search_logged_models([run.info.experiment_id]) if m.source_run_id == RUN][0]
dataset = run.inputs.dataset_inputs[0]
version = client.get_model_version_by_alias('crosscheck', 'champion')
uris = ['models:/crosscheck@champion', 'models:/crosscheck/1', 'runs:/' + RUN + '/model', 'models:/' + model.model_id]
x = {'x': np.array([[1, 2, 3]], np.float32)}
loaded = [mlflow.pyfunc.load_model(uri) for uri in uris]
mlflow.onnx.load_model(uris[0])
result = {
    'experiment': experiment.name,
    'note': experiment.tags['mlflow.note.content'],
    'name': run.info.run_name,
    'user': run.info.user_id,
    'status': run.info.status,
    'times': [run.info.start_time, run.info.end_time],
    'params': run.data.params,
    'latest': run.data.metrics['train/loss'],
    'isHuge': run.data.metrics['grad norm'] > 1e308,
    'history': sorted([m.step, str(m.value)] for m in client.get_metric_history(RUN, 'train/loss')),
    'stage': run.data.tags['stage'],
    'dataset': [dataset.dataset.name, dataset.dataset.digest, dataset.dataset.source, dataset.dataset.profile, dataset.tags[0].value],
    'files': sorted(f.path for f in client.list_artifacts(RUN)),
    'text': open(client.download_artifacts(RUN, 'notes/a b é.txt'), encoding='utf8').read(),
    'model': [model.name, model.model_type, model.status.value, model.params, [[m.key, m.value] for m in model.metrics]],
    'outputs': len(run.outputs.model_outputs),
    'found': len(client.search_runs([run.info.experiment_id], "metrics.\`train/loss\` < 0.3 and tags.stage = 'done'")),
    'version': [str(version.version), version.run_id, list(version.aliases)],
    'predictions': [m.predict(x)['y'].tolist() for m in loaded],
    'signature': json.dumps(loaded[0].metadata.signature.inputs.to_dict()),
}`;
