import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { composeConfig, type TrainConfig, trainConfigSchema } from '@crosscheck/config';
import { temporaryFolder } from '@crosscheck/testkit';
import { openCheckpoint } from '@crosscheck/weights';
import { openTrackingStore, type Run } from 'mlflow-js-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { evaluate } from '../src/evaluate/evaluate.ts';
import type { EvaluationResult } from '../src/evaluate/evaluate-split.ts';
import { runSync } from '../src/tracker/mlflow-sync.ts';
import { makePosts } from './support/posts.ts';
import { quietly, runOf, shortRun, trainHere } from './support/run-train.ts';

// Where an evaluation goes in MLflow, in a store of its own format.
const { dir, remove } = temporaryFolder();
const posts = path.join(dir, 'posts');
const uri = `sqlite:///${dir}/mlflow.db`;
const tracked = ['mlflow.enabled=true', 'mlflow.system_metrics=false', 'mlflow.log_model=false'];
let runId: string;
const nowhere = 'http://127.0.0.1:9';

beforeAll(async () => {
  await makePosts(posts);
  const overrides = [...shortRun(posts, dir), ...tracked, `mlflow.tracking_uri=${uri}`, 'training.num_steps=1'];
  await trainHere(overrides, { dir });
  const checkpoint = await openCheckpoint(path.join(dir, 'checkpoints/best_model_1.8.safetensors'));
  runId = checkpoint.metadata?.runId as string;
  await checkpoint.close();
});
afterAll(remove);

async function evaluateInto(name: string, ...overrides: string[]): Promise<string> {
  const { config } = composeConfig<TrainConfig>({
    configName: 'config',
    schema: trainConfigSchema,
    overrides: [
      ...shortRun(posts, dir),
      ...tracked,
      'evaluation.ablations=false',
      'evaluation.resamples=100',
      ...overrides,
    ],
  });
  return (await quietly(() => evaluate(runOf(config, path.join(dir, name))))).output;
}

/** The run that trained the checkpoint, as the store has it now. */
async function readRun(): Promise<{ run: Run; artifacts: string[] }> {
  const store = await openTrackingStore(uri);
  try {
    const run = await store.getRun(runId);
    const artifacts = await store.listArtifacts(runId, 'evaluation/test').catch(() => []);
    return { run, artifacts: artifacts.map(({ path: file }) => path.basename(file)).toSorted() };
  } finally {
    store.close();
  }
}

it('evaluation.log_to_mlflow=false and mlflow.enabled=false leave the run of the training alone', async () => {
  await evaluateInto('off', `mlflow.tracking_uri=${uri}`, 'evaluation.log_to_mlflow=false');
  await evaluateInto('out', `mlflow.tracking_uri=${uri}`, 'mlflow.enabled=false');
  const { run, artifacts } = await readRun();
  expect(Object.keys(run.metrics).filter((name) => name.startsWith('eval_'))).toEqual([]);
  expect(artifacts).toEqual([]);
});

it('a store that lacks the run says so, and the evaluation stands', async () => {
  const output = await evaluateInto('lacks', `mlflow.tracking_uri=sqlite:///${dir}/other.db`);
  expect(output).toMatch(/mlflow: not logged, because the run \w+ that trained the checkpoint is not in/);
  expect(existsSync(path.join(dir, 'lacks/eval_results.json'))).toBe(true);
});

it('metrics and page go to the run that trained the checkpoint, which stays ended as it was', async () => {
  const before = (await readRun()).run.info;
  const output = await evaluateInto('on', `mlflow.tracking_uri=${uri}`);
  expect(output).toContain(`mlflow: added to run ${before.runId}`);
  const { run, artifacts } = await readRun();
  expect(run.metrics['eval_test/accuracy']).toBeGreaterThanOrEqual(0);
  expect(artifacts).toEqual(['eval_report.html', 'eval_results.csv', 'eval_results.json']);
  expect(run.info).toMatchObject({ status: 'FINISHED', endTime: before.endTime });
});

it('what the ablations change and how another model differs goes there too, with intervals and p', async () => {
  const checkpoint = path.join(dir, 'checkpoints/best_model_1.8.safetensors');
  const compared = [`evaluation.compare_with=${checkpoint}`, 'evaluation.ablations=true', 'evaluation.report=false'];
  await evaluateInto('compared', `mlflow.tracking_uri=${uri}`, ...compared);
  const { ablations } = JSON.parse(
    readFileSync(path.join(dir, 'compared/eval_results.json'), 'utf8'),
  ) as EvaluationResult;
  const { metrics, tags } = (await readRun()).run;
  const change = ablations?.imageOnly.change;
  expect(metrics).toMatchObject({
    'eval_test/accuracy_image_only': ablations?.imageOnly.value,
    'eval_test/accuracy_image_only_change': change?.difference.value,
    'eval_test/accuracy_image_only_change_low': change?.difference.low,
    'eval_test/accuracy_image_only_change_high': change?.difference.high,
    'eval_test/accuracy_image_only_change_p': change?.pValue,
    'eval_test/difference/accuracy': 0,
    'eval_test/difference/accuracy_p': 1,
    'eval_test/difference/rocAuc_low': 0,
  });
  expect(metrics).not.toHaveProperty(['eval_test/difference/rocAuc_p']);
  expect(tags['crosscheck.eval_test.compared_with']).toBe(checkpoint);
});

it('a server that is away leaves everything in the run folder, and the message names pnpm mlflow:sync', async () => {
  const output = await evaluateInto('away', `mlflow.tracking_uri=${nowhere}`);
  expect(output).toMatch(/run: pnpm mlflow:sync \S*away$/m);
  const waiting = readdirSync(path.join(dir, 'away'));
  expect(waiting.length).toBeGreaterThan(4);
  const synced = await quietly(() => runSync(path.join(dir, 'away'), uri));
  expect(synced.output).toMatch(/sent \d+ records of run/);
});

it('a checkpoint without a run of its own is told from one with', async () => {
  await trainHere([...shortRun(posts, path.join(dir, 'untracked')), 'training.num_steps=1'], {
    dir: path.join(dir, 'untracked'),
  });
  const checkpoint = path.join(dir, 'untracked/checkpoints/best_model_1.8.safetensors');
  const output = await evaluateInto('none', `mlflow.tracking_uri=${uri}`, `evaluation.checkpoint=${checkpoint}`);
  expect(output).toContain('mlflow: not logged, because the checkpoint names no run');
});
