import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { SweepJob } from '@crosscheck/config';
import { generateDemo } from '@crosscheck/demo';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { openCheckpoint } from '@crosscheck/weights';
import { openTrackingStore, type Run } from 'mlflow-js-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bestCheckpoint } from './support/read-run.ts';
import { shortRun } from './support/run-train.ts';

const { dir, remove } = temporaryFolder();
const sweepDir = path.join(dir, 'sweep');
const jobDir = (number: number) => path.join(sweepDir, String(number));

/** The tracked runs of the two jobs that finish, and the run above them. */
let [children, parent]: [Run[], Run | null] = [[], null];
let [experimentId, artifacts]: [string, string[]] = ['', []];
let [output, code]: [string, number | null] = ['', null];

beforeAll(async () => {
  const posts = path.join(dir, 'posts');
  await generateDemo({ dir: posts, train: 32, val: 16, test: 16, imageSize: 64 });
  const own = shortRun(posts, dir).filter((override) => !override.startsWith('training.checkpoint_dir'));
  const { code: exitCode, stdout } = await runEntry(
    'packages/trainer/src/bin/train.ts',
    [
      ...own,
      'mlflow.enabled=true',
      'mlflow.system_metrics=false',
      'mlflow.run_name=nightly',
      'mlflow.log_model=false',
      'mlflow.experiment_name=sweeps',
      `mlflow.tracking_uri=sqlite:///${dir}/runs.db`,
      'training.num_epochs=1',
      'training.use_scheduler=false',
      'training.max_skipped_steps=1',
      'training.learning_rate=0.002,1e30,1e-12',
      `hydra.sweep.dir=${sweepDir}`,
      'hydra.launcher.n_jobs=2',
      '-m',
    ],
    { env: { MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL: '0.1' } },
  );
  [output, code] = [stdout, exitCode];
  const store = await openTrackingStore(`sqlite:///${dir}/runs.db`);
  try {
    children = await Promise.all([0, 2].map(async (number) => store.getRun(await trackedRunOf(number))));
    parent = await store.getRun(children[0]?.tags['mlflow.parentRunId'] ?? '');
    ({ experimentId } = await store.getOrCreateExperiment({ name: 'sweeps' }));
    artifacts = (await store.listArtifacts(parent.info.runId)).map((entry) => entry.path);
  } finally {
    store.close();
  }
});
afterAll(remove);

async function trackedRunOf(number: number): Promise<string> {
  const checkpoint = await openCheckpoint(bestCheckpoint(path.join(jobDir(number), 'checkpoints')));
  await checkpoint.close();
  return checkpoint.metadata?.runId ?? '';
}

const summary = () => JSON.parse(readFileSync(path.join(sweepDir, 'summary.json'), 'utf8')) as SweepJob[];

it('a sweep goes on after a failed job and prints its jobs best first by val/accuracy', () => {
  expect(code).toBe(1);
  const table = output.slice(output.lastIndexOf('\njob ')).trim().split('\n');
  expect(table[0]).toMatch(/^job +status +val\/accuracy /);
  expect(table.slice(1, 4).map((line) => line.split(/\s+/)[1])).toEqual(['finished', 'finished', 'failed']);
  expect(table[3]).toMatch(/^#1 .*training\.learning_rate=1e30 .*not finite/);
  const accuracies = summary()
    .slice(0, 2)
    .map(({ metrics }) => metrics['val/accuracy'] as number);
  expect(accuracies).toEqual(accuracies.toSorted((a, b) => b - a));
  expect(table.slice(1, 4).map((line) => Number(line.match(/\d+/)?.[0]))).toEqual(
    summary().map(({ number }) => number),
  );
});

it('runs jobs side by side, each with its own run folder and checkpoints', () => {
  expect(output).toMatch(/launching 3 jobs, 2 at once/);
  for (const [number, rate] of ['0.002', '1e30', '1e-12'].entries())
    expect(output).toContain(`#${number} training.learning_rate=${rate} | `);
  for (const number of [0, 2]) {
    expect(readdirSync(path.join(jobDir(number), 'checkpoints'))).toEqual(['best_model_1.8.safetensors']);
    expect(readdirSync(jobDir(number))).toEqual(expect.arrayContaining(['.hydra', 'metrics.jsonl', 'train.log']));
  }
});

it('nests the runs of its jobs in MLflow under one that has the summary, the swept keys and the best metrics', () => {
  for (const [i, child] of children.entries()) {
    const runName = `nightly training.learning_rate=${['0.002', '1e-12'][i]}`;
    expect(child).toMatchObject({ info: { status: 'FINISHED', runName }, outputModelIds: [] });
    expect(Object.keys(child.metrics).filter((name) => name.startsWith('system/'))).toEqual([]);
    expect(child.tags['mlflow.parentRunId']).toBe(parent?.info.runId);
  }
  expect(artifacts).toEqual(['summary.json']);
  const [best] = summary();
  expect(parent).toMatchObject({
    info: { runName: 'sweep_nightly', status: 'FAILED', experimentId },
    params: {
      jobs: '3',
      'training.learning_rate': '0.002, 1e30, 1e-12',
      best_job: String(best?.number),
      best_overrides: best?.overrides.join(' '),
    },
    tags: { stage: 'sweep' },
  });
  expect(parent?.metrics).toMatchObject({ val_accuracy: best?.metrics['val/accuracy'] });
});
