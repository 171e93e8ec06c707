import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { generateDemo } from '@crosscheck/demo';
import { type Finished, repositoryRoot, runEntry, temporaryFolder } from '@crosscheck/testkit';
import { openTrackingStore, type Run } from 'mlflow-js-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { optunaPython } from './support/optuna.ts';
import { shortRun } from './support/run-train.ts';

const { dir, remove } = temporaryFolder();
const posts = path.join(dir, 'posts');
const entry = 'packages/trainer/src/bin/train.ts';
let env: Record<string, string> = {};

beforeAll(async () => {
  env = { PYTHON: await optunaPython('5.0.0') };
  await generateDemo({ dir: posts, train: 32, val: 16, test: 16, imageSize: 64 });
}, 600_000);
afterAll(remove);

function searchArguments(name: string, ...overrides: string[]): string[] {
  const own = shortRun(posts, dir).filter((text) => !/^(training\.(checkpoint_dir|learning_rate)|hydra)/.test(text));
  const sweeper = ['hydra/sweeper=optuna', `hydra.sweep.dir=${path.join(dir, name)}`, 'hydra.sweeper.n_jobs=1'];
  return ['-m', ...own, 'training.use_scheduler=false', 'training.max_skipped_steps=1', ...sweeper, ...overrides];
}

const search = (name: string, ...overrides: string[]): Promise<Finished> =>
  runEntry(entry, searchArguments(name, ...overrides), { env, timeoutMs: 300_000 });

describe('a search', () => {
  let ended: Finished;
  let [parent, children]: [Run | null, Run[]] = [null, []];
  let artifacts: string[] = [];

  beforeAll(async () => {
    const tracked = ['mlflow.enabled=true', `mlflow.tracking_uri=sqlite:///${dir}/runs.db`, 'mlflow.log_model=false'];
    ended = await search(
      'whole',
      ...tracked,
      'mlflow.system_metrics=false',
      'mlflow.experiment_name=searches',
      'training.learning_rate=1e-6,0.3,1e30',
      'hydra/sweeper/sampler=grid',
      'hydra.sweeper.sampler.seed=1',
      'hydra/sweeper/pruner=median',
      'hydra.sweeper.pruner.n_startup_trials=1',
      'hydra.sweeper.max_failure_rate=0.5',
    );
    const store = await openTrackingStore(`sqlite:///${dir}/runs.db`);
    try {
      const ids = [0, 1, 2].map((number) => {
        const file = path.join(dir, 'whole', String(number), 'mlflow.json');
        return (JSON.parse(readFileSync(file, 'utf8')) as { run_id: string }).run_id;
      });
      children = await Promise.all(ids.map((id) => store.getRun(id)));
      parent = await store.getRun(children[0]?.tags['mlflow.parentRunId'] ?? '');
      artifacts = (await store.listArtifacts(parent?.info.runId ?? '')).map((item) => item.path);
    } finally {
      store.close();
    }
  }, 300_000);

  test('runs its trials, prunes one by its first epoch, goes on after one that diverged', () => {
    expect(ended.stderr).toContain('not finite');
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('the grid has 3 trials left');
    expect(ended.stdout).toMatch(/study .*: 3 trials, 1 complete, 1 pruned, 1 failed\n/);
    expect(ended.stdout).toMatch(/\| pruned after epoch 1|\npruned after epoch 1/);
    const rows = ended.stdout.slice(ended.stdout.lastIndexOf('\n  trial ')).trim().split('\n').slice(1, 4);
    expect(rows.map((row) => row.trim().split(/\s+/)[1])).toEqual(['complete', 'pruned', 'fail']);
  });

  test('leaves the plugin’s result file, a page, and a study', () => {
    const folder = path.join(dir, 'whole');
    const results = parse(readFileSync(path.join(folder, 'optimization_results.yaml'), 'utf8'));
    expect(results).toEqual({
      name: 'optuna',
      best_params: { 'training.learning_rate': 1e-6 },
      best_value: expect.closeTo(0.69, 1),
    });
    const page = readFileSync(path.join(folder, 'search.html'), 'utf8');
    for (const text of ['Trial', 'training.learning_rate', 'All 3 trials']) expect(page).toContain(text);
    expect(readdirSync(folder)).toEqual(
      expect.arrayContaining(['study.db', 'summary.json', 'multirun.yaml', '0', '1', '2']),
    );
    const jobs = JSON.parse(readFileSync(path.join(folder, 'summary.json'), 'utf8')) as { status: string }[];
    expect(jobs.map(({ status }) => status).toSorted()).toEqual(['failed', 'finished', 'pruned']);
  });

  test('has every trial as an MLflow run under one', () => {
    expect(children.map(({ tags }) => tags['mlflow.parentRunId'])).toEqual(children.map(() => parent?.info.runId));
    expect(children.map(({ info }) => info.status).toSorted()).toEqual(['FAILED', 'FINISHED', 'KILLED']);
    expect(parent?.info.status).toBe('FINISHED');
    expect(parent?.params).toMatchObject({
      objectives: 'val/loss',
      directions: 'minimize',
      sampler: 'GridSampler',
      pruner: 'MedianPruner',
      trials: '3',
      best_overrides: 'learning_rate=1e-6',
    });
    expect(artifacts.toSorted()).toEqual(['optimization_results.yaml', 'search.html', 'summary.json']);
    const pruned = children.find(({ info }) => info.status === 'KILLED');
    expect(pruned?.tags['search_state']).toBe('pruned');
  });
});

test('a search that Ctrl-C ends says how its study goes on, and goes on with what was interrupted', async () => {
  const overrides = ['training.learning_rate=tag(log,interval(1e-4,1e-3))', 'hydra.sweeper.n_trials=2'];
  const child = spawn(
    process.execPath,
    ['--conditions=@crosscheck/source', `${repositoryRoot}/${entry}`, ...searchArguments('stopped', ...overrides)],
    { cwd: repositoryRoot, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  child.stdout.on('data', (text: Buffer) => {
    said += String(text);
    if (/phase finetune/.test(String(text))) child.kill('SIGINT');
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code).toBe(130);
  const [, name] = /hydra\.sweeper\.study_name=(\S+) hydra\.sweeper\.n_trials=2/.exec(said) ?? [];
  const study = [`hydra.sweeper.storage=sqlite:///${dir}/stopped/study.db`, `hydra.sweeper.study_name=${name}`];
  const { stdout } = await search('stopped', ...overrides, ...study);
  expect(stdout).toContain('the study goes on after 1 trial\n');
  expect(stdout).toContain(': 3 trials, 2 complete, 1 failed');
  const rate = (text: string) => /#\d+ : training\.learning_rate=(\S+)/.exec(text)?.[1];
  expect(rate(stdout)).toBe(rate(said));
  expect(existsSync(path.join(dir, 'stopped/1'))).toBe(true);
}, 300_000);

test('experiment=search has a space, over both phases and the network', async () => {
  const short = ['frozen', 'finetune'].map((phase) => `training.phases.${phase}.num_epochs=1`);
  const experiment = ['experiment=search', 'hydra.sweeper.n_trials=2', 'hydra.sweeper.n_jobs=2', ...short];
  const own = (text: string) =>
    !/^(training\.(num_epochs|batch_size|use_scheduler|max_skipped_steps)|hydra\/)/.test(text);
  const args = searchArguments('experiment').filter(own);
  const { code, stdout } = await runEntry(entry, [...args, ...experiment], { env, timeoutMs: 300_000 });
  expect(code).toBe(0);
  expect(stdout).toContain('Directions: maximize val/accuracy');
  expect(stdout).toMatch(/pruner: MedianPruner/);
  const folder = path.join(dir, 'experiment');
  const { best_params: best } = parse(readFileSync(path.join(folder, 'optimization_results.yaml'), 'utf8')) as {
    best_params: Record<string, unknown>;
  };
  expect(Object.keys(best)).toHaveLength(12);
  const { training, model } = parse(readFileSync(path.join(folder, '0/.hydra/config.yaml'), 'utf8')) as {
    training: { phases: Record<string, Record<string, unknown>>; loss: { name: string } };
    model: { fusion: string };
  };
  expect(training.phases['finetune']).toMatchObject({ freeze_vision: expect.any(Boolean), num_epochs: 1 });
  expect(['concat', 'gated', 'bilinear', 'compare']).toContain(model.fusion);
}, 300_000);

test.each([
  [['training.learning_rate=0.1'], 'has nothing to search'],
  [['training.learning_rate=interval(1,0)'], 'from a smaller to a larger number'],
  [
    ['experiment=two_phase', 'training.learning_rate=interval(1e-5,1e-3)'],
    'every phase sets its own; set training.phases.frozen.learning_rate',
  ],
  [['training.loss.focal_gamma=interval(0,3)'], 'it needs training.loss.name=focal'],
  [['training.batch_size=interval(1,8)'], 'training.batch_size: expected'],
  [['model=tiny,nonesuch'], 'nonesuch'],
  [['training.seed=1,2', 'hydra.sweeper.metric=val/accuracy'], 'set hydra.sweeper.direction=maximize'],
  [['training.seed=1,2', 'hydra.sweeper.n_trials=0'], 'hydra.sweeper.n_trials: expected'],
  [['training.seed=1,2', '+hydra.sweeper.search_space={}'], 'unknown key hydra.sweeper.search_space'],
  [['training.seed=1,2', 'hydra.sweeper.custom_search_space=a.b'], 'functions of Python are not run here'],
  [['training.seed=1,2', 'hydra.sweeper.direction=[minimize,maximize]'], 'one metric for each of the 2 directions'],
  [
    [
      'training.seed=1,2',
      'hydra.sweeper.direction=[minimize,maximize]',
      'hydra.sweeper.metric=[val/loss,val/accuracy]',
      'hydra/sweeper/pruner=median',
    ],
    'several objectives cannot be pruned',
  ],
])('a search with %j is refused before its first trial', async (overrides, message) => {
  const { code, stderr } = await search('refused', ...overrides);
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});
