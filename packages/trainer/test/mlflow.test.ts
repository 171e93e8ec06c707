import { copyFileSync, existsSync, renameSync } from 'node:fs';
import path from 'node:path';
import { fetchWhole, repositoryRoot, runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { layCable } from '../../mlflow-js-client/test/support/cable.ts';
import {
  INSTALL_TIMEOUT_MS,
  type PythonReader,
  type RealServer,
  startMlflow,
  startPython,
} from '../../mlflow-js-client/test/support/real-mlflow.ts';
import { syncCommand } from '../src/tracker/mlflow-sync.ts';
import { makePosts, testFolder } from './support/posts.ts';
import { epochLines, readMetrics, stepLines } from './support/read-run.ts';
import { shortRun, trainHere } from './support/run-train.ts';
import { startTrain } from './support/start-train.ts';

// Everything here is read back by the real MLflow, in Python.
// Processes start, servers stop and retries wait: on a busy machine that adds up.
const slowMs = 400_000;
const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');
let python: PythonReader;
let server: RealServer;

beforeAll(async () => {
  await makePosts(posts);
  python = await startPython(root.dir);
  server = await serve('server.db');
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  python?.stop();
  await server?.stop();
  root.remove();
});

const serve = (database: string) =>
  startMlflow(
    'server',
    ['--backend-store-uri', `sqlite:///${database}`, '--artifacts-destination', './artifacts'],
    root.dir,
  );

const tracked = (dir: string, uri: string, experiment: string) => [
  ...shortRun(posts, dir),
  'mlflow.enabled=true',
  `training.tracking_uri=${uri}`,
  `training.experiment_name=${experiment}`,
];

interface RunRead {
  status: string;
  name: string;
  params: Record<string, string>;
  tags: Record<string, string>;
  metrics: string[];
  val_loss: [number, number][];
  loss_step: [number, number][];
  artifacts: string[];
  inputs: { name: string; digest: string; context: string; rows: number }[];
}

/** The only run of an experiment, through MLflow's Python client. */
const readRun = (uri: string, experiment: string) =>
  python.read<RunRead>(
    uri,
    `
experiment = client.get_experiment_by_name(${JSON.stringify(experiment)})
(run,) = client.search_runs([experiment.experiment_id])
def walk(path=None):
    for entry in client.list_artifacts(run.info.run_id, path):
        yield from (walk(entry.path) if entry.is_dir else [entry.path])
history = lambda key: [[m.step, m.value] for m in client.get_metric_history(run.info.run_id, key)]
result = dict(
    status=run.info.status, name=run.info.run_name, params=run.data.params, tags=run.data.tags,
    metrics=sorted(run.data.metrics), val_loss=history('val_loss'), loss_step=history('train/loss_step'),
    artifacts=sorted(walk()),
    inputs=[dict(name=i.dataset.name, digest=i.dataset.digest, rows=json.loads(i.dataset.profile)['num_rows'],
                 context=[t.value for t in i.tags if t.key == 'mlflow.data.context'][0]) for i in run.inputs.dataset_inputs])
`,
  );

describe('a tracked run', { timeout: slowMs }, () => {
  it('is on a server what the original logs, and more', async () => {
    const dir = testFolder();
    process.env['MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL'] = '0.2';
    const overrides = [
      ...tracked(dir, server.url, 'whole'),
      'training.report=true',
      'training.log_every_steps=2',
      'mlflow.registered_model_name=crosscheck',
      'mlflow.registered_model_alias=champion',
    ];
    const { runDir } = await trainHere(overrides, { dir });
    delete process.env['MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL'];
    const run = await readRun(server.url, 'whole');
    expect(run).toMatchObject({ status: 'FINISHED', name: 'run_1.8' });
    expect(run.params).toMatchObject({
      batch_size: '16',
      learning_rate: '0.002',
      num_epochs: '2',
      embedding_dim: '64',
      fusion_hidden_dim: '64',
      max_length: '32',
      optimizer: 'AdamW',
      scheduler: 'OneCycleLR',
      model_version: '1.8',
      n_rows: '-1',
      total: '159255',
      trainable: '159255',
      frozen: '0',
      train_samples: '64',
      val_samples: '32',
      num_batches: '4',
      'training.weight_decay': '0.01',
    });
    expect(run.tags).toMatchObject({
      model_type: 'multimodal',
      fusion_method: 'concatenation',
      stage: 'training',
      'mlflow.source.git.commit': expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    const perEpoch = ['loss', 'accuracy', 'f1', 'auc'].flatMap((name) => [`train_${name}`, `val_${name}`]);
    expect(run.metrics).toEqual(
      expect.arrayContaining([...perEpoch, 'learning_rate', 'best_val_loss', 'best_val_accuracy']),
    );
    expect(run.metrics.filter((name) => name.startsWith('system/')).length).toBeGreaterThan(3);
    // Epochs count from 0 as in the original; steps from 1.
    expect(run.val_loss).toEqual(epochLines(runDir).map((line, epoch) => [epoch, line['val/loss']]));
    expect(run.loss_step.map(([step]) => step)).toEqual([2, 4, 6, 8]);
    expect(run.artifacts).toEqual([
      'confusion_matrix_1.8.png',
      'model/best_model_1.8.safetensors',
      'network.txt',
      'report.html',
      'training_curves_1.8.png',
    ]);
    expect(run.inputs.toSorted((a, b) => a.rows - b.rows)).toEqual([
      { name: 'val.csv', digest: expect.stringMatching(/^[0-9a-f]{32}$/), rows: 32, context: 'validation' },
      { name: 'train.csv', digest: expect.stringMatching(/^[0-9a-f]{32}$/), rows: 64, context: 'training' },
    ]);
  });

  it('has its model in the registry, and Python judges with it', async () => {
    const model = await python.read<{ inputs: string[]; shape: number[]; aliases: string[] }>(
      server.url,
      `
import numpy, mlflow.onnx, onnxruntime
model = mlflow.onnx.load_model('models:/crosscheck@champion')
session = onnxruntime.InferenceSession(model.SerializeToString())
feeds = dict(image=numpy.zeros((2, 3, 64, 64), 'float32'), input_ids=numpy.ones((2, 5), 'int64'),
             attention_mask=numpy.ones((2, 5), 'int64'))
(logits,) = session.run(None, feeds)
result = dict(inputs=[i.name for i in session.get_inputs()], shape=list(logits.shape),
              aliases=list(client.get_model_version_by_alias('crosscheck', 'champion').aliases))
`,
    );
    expect(model).toEqual({ inputs: ['image', 'input_ids', 'attention_mask'], shape: [2, 1], aliases: ['champion'] });
  });

  it('has a model that `mlflow models serve` answers with', async () => {
    const own = ['serve', '--model-uri', 'models:/crosscheck@champion', '--env-manager', 'local'];
    const service = await startMlflow('models', own, root.dir, { MLFLOW_TRACKING_URI: server.url });
    try {
      const image = Array.from({ length: 3 }, () => Array.from({ length: 64 }, () => Array<number>(64).fill(0.5)));
      const inputs = { image: [image], input_ids: [[101, 7, 102]], attention_mask: [[1, 1, 1]] };
      const response = await fetchWhole(`${service.url}/invocations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ inputs }),
      });
      const { predictions } = (await response.json()) as { predictions: { logits: number[][] } };
      expect(predictions.logits).toEqual([[expect.any(Number)]]);
    } finally {
      await service.stop();
    }
  });

  it('is KILLED by Ctrl-C, and the same run goes on and finishes when it is resumed', async () => {
    const dir = testFolder();
    const own = [...tracked(dir, server.url, 'killed'), 'training.batch_size=4', 'training.num_epochs=3'];
    const run = startTrain(own, path.join(dir, 'run'));
    await run.reach(6);
    run.child.kill('SIGINT');
    await run.ended;
    expect((await readRun(server.url, 'killed')).status).toBe('KILLED');
    await trainHere([...own, `training.resume=${path.join(dir, 'run')}`], { dir });
    const after = await readRun(server.url, 'killed');
    expect(after.status).toBe('FINISHED');
    expect(after.val_loss).toHaveLength(3);
  });

  it('that goes on from an older state has every step once', async () => {
    const dir = testFolder();
    const uri = `sqlite:///${path.join(dir, 'mlflow.db')}`;
    const own = [
      ...tracked(dir, uri, 'older'),
      'training.batch_size=4',
      'training.num_epochs=4',
      'training.log_every_steps=1',
      'training.early_stopping.enabled=false',
    ];
    const run = startTrain(own, path.join(dir, 'run'));
    await run.reach(17);
    const [state, older] = ['training_state.safetensors', 'older'].map((name) => path.join(run.runDir, name)) as [
      string,
      string,
    ];
    copyFileSync(state, older);
    await run.ended;
    renameSync(older, state); // as kill -9 leaves it: more has been logged than saved
    const { output } = await trainHere([...own, `training.resume=${run.runDir}`], { dir });
    expect(output).toContain('epoch 4');
    const read = await readRun(uri, 'older');
    expect(read.loss_step.map(([step]) => step)).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
    expect(read.val_loss.map(([epoch]) => epoch)).toEqual([0, 1, 2, 3]);
    expect(read.status).toBe('FINISHED');
  });

  it('that is killed while its server is away, and goes on before it is back, has everything once in the end', async () => {
    const dir = testFolder();
    const cable = await layCable(server.url);
    onTestFinished(() => cable.close());
    const runDir = path.join(dir, 'run');
    const own = [
      ...tracked(dir, cable.url, 'cut'),
      'training.batch_size=4',
      'training.num_epochs=4',
      'training.log_every_steps=1',
      'training.early_stopping.enabled=false',
      'mlflow.log_model=false',
    ];
    const resumed = [`training.resume=${runDir}`];
    const first = startTrain(own, runDir);
    await first.reach(5);
    cable.set('cut');
    await first.reach(20);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = startTrain(resumed, runDir);
    await second.reach(40);
    second.child.kill('SIGKILL');
    await second.ended;
    const third = startTrain(resumed, runDir);
    expect(await third.ended).toEqual({ code: 0, signal: null });
    expect(third.output()).toContain(`run: ${syncCommand(runDir)}`);
    cable.set('through');
    const sync = () => runEntry('packages/trainer/src/bin/mlflow-sync.ts', [runDir]);
    expect(await sync()).toMatchObject({ code: 0, stderr: '' });
    const read = await readRun(server.url, 'cut');
    expect(read.status).toBe('FINISHED');
    expect(read.params).toMatchObject({ batch_size: '4' });
    expect(read.val_loss).toEqual(epochLines(runDir).map((line, epoch) => [epoch, line['val/loss']]));
    expect(read.loss_step).toEqual(stepLines(runDir).map((line) => [line.step, line['train/loss_step']]));
    expect((await sync()).stdout).toBe(`nothing waits in ${runDir}\n`);
  });

  it('is FAILED when training diverges', async () => {
    const dir = testFolder();
    const diverging = ['training.learning_rate=1e30', 'training.use_scheduler=false', 'training.max_skipped_steps=2'];
    await expect(trainHere([...tracked(dir, server.url, 'failed'), ...diverging], { dir })).rejects.toThrow('in a row');
    expect((await readRun(server.url, 'failed')).status).toBe('FAILED');
  });

  it('goes on without its server, and what that missed is sent later', async () => {
    const dir = testFolder();
    const runDir = path.join(dir, 'run');
    const away = await serve('away.db');
    const own = [...tracked(dir, away.url, 'away'), 'training.batch_size=4', 'training.log_every_steps=1'];
    // Each request to a server that is gone is repeated twice: without pauses between them.
    const run = startTrain(own, runDir, { env: { MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '0' } });
    await run.reach(5);
    // A tiny network could be done before the server is gone, so it waits.
    run.child.kill('SIGSTOP');
    await away.stop();
    run.child.kill('SIGCONT');
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(readMetrics(runDir).at(-1)).toMatchObject({ epoch: 2, step: 32 });
    expect(run.output()).toContain('not everything was sent');
    const back = await serve('away.db');
    try {
      const sync = await runEntry('packages/trainer/src/bin/mlflow-sync.ts', [runDir, '--tracking-uri', back.url]);
      expect(sync).toMatchObject({ code: 0, stderr: '' });
      expect(sync.stdout).toMatch(/sent \d+ records of run [0-9a-f]{32}/);
      const read = await readRun(back.url, 'away');
      expect(read.status).toBe('FINISHED');
      expect(read.val_loss).toHaveLength(2);
      expect(read.loss_step.map(([step]) => step)).toEqual(Array.from({ length: 32 }, (_, i) => i + 1));
      expect(read.artifacts).toEqual(['model/best_model_1.8.safetensors', 'network.txt']);
      const again = await runEntry('packages/trainer/src/bin/mlflow-sync.ts', [runDir, '--tracking-uri', back.url]);
      expect(again.stdout).toBe(`nothing waits in ${runDir}\n`);
    } finally {
      await back.stop();
    }
  });
});

describe('without any setting', { timeout: slowMs }, () => {
  it('a sweep’s runs are nested in mlflow.db of the working folder', async () => {
    const dir = testFolder();
    const assets = path.join(repositoryRoot, 'assets/tiny');
    const own = [
      'model=tiny',
      'data=demo',
      `data.root_dir=${posts}`,
      `model.vision.weights=${assets}/vision.safetensors`,
      `model.text.weights=${assets}/text.safetensors`,
      `model.text.tokenizer=${assets}/tokenizer.json`,
      'training.num_steps=1',
      'training.report=false',
      'training.num_workers=0',
      'training.seed=1,2',
      '--multirun',
    ];
    const { code, signal } = await startTrain(own, dir, { cwd: dir }).ended;
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(existsSync(path.join(dir, 'mlflow.db'))).toBe(true);
    const runs = await python.read<{ name: string; parent: string | null; id: string; status: string }[]>(
      `sqlite:///${path.join(dir, 'mlflow.db')}`,
      `
experiment = client.get_experiment_by_name('multimodal_fake_news_detection')
result = [dict(name=r.info.run_name, id=r.info.run_id, status=r.info.status, parent=r.data.tags.get('mlflow.parentRunId'))
          for r in client.search_runs([experiment.experiment_id])]
`,
    );
    const parent = runs.find(({ parent: id }) => id === null);
    expect(parent).toMatchObject({ name: 'sweep_1.8', status: 'FINISHED' });
    expect(runs.filter(({ parent: id }) => id === parent?.id).map(({ status }) => status)).toEqual([
      'FINISHED',
      'FINISHED',
    ]);
  });

  it('a tracking URI that can never work ends the run before it begins', async () => {
    const dir = testFolder();
    await expect(trainHere(tracked(dir, 'ftp://nowhere', 'x'), { dir })).rejects.toMatchObject({
      code: 'CROSSCHECK_TRACKING_UNUSABLE',
      message: expect.stringContaining('mlflow.enabled=false'),
    });
  });
});
