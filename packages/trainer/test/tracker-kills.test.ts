import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot, runEntry, temporaryFolder } from '@crosscheck/testkit';
import { openTrackingStore } from 'mlflow-js-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePosts, testFolder } from './support/posts.ts';
import { epochLines, stepLines } from './support/read-run.ts';
import { shortRun, trainHere } from './support/run-train.ts';
import { startTrain } from './support/start-train.ts';

// What a tracker has after kills, beside what metrics.jsonl has.
const slowMs = 300_000;
const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');
beforeAll(() => makePosts(posts).then(() => {}));
afterAll(root.remove);

const epochs = 5;
const options = (dir: string, uri: string) => [
  ...shortRun(posts, dir).filter((override) => !/^(?:mlflow\.enabled|training\.num_epochs)=/.test(override)),
  `mlflow.tracking_uri=${uri}`,
  'mlflow.log_model=false',
  `training.num_epochs=${epochs}`,
  'training.log_every_steps=1',
  'training.early_stopping.enabled=false',
];
const resume = (dir: string) => [`training.resume=${path.join(dir, 'run')}`];

const runIdOf = (dir: string): string =>
  (JSON.parse(readFileSync(path.join(dir, 'run/mlflow.json'), 'utf8')) as { run_id: string }).run_id;

/** [step, value] of every point of a metric, as often as it is there. */
async function history(uri: string, runId: string, key: string): Promise<[number, number][]> {
  const store = await openTrackingStore(uri);
  try {
    const points = await store.getMetricHistory(runId, key);
    return points.map(({ step, value }): [number, number] => [step, value]).toSorted(([a], [b]) => a - b);
  } finally {
    store.close();
  }
}

async function statusOf(uri: string, runId: string): Promise<string> {
  const store = await openTrackingStore(uri);
  try {
    return (await store.getRun(runId)).info.status;
  } finally {
    store.close();
  }
}

/** The tracker has every epoch and every step once, with the values of metrics.jsonl. */
async function expectWhole(dir: string, uri: string, runId = runIdOf(dir)): Promise<void> {
  const runDir = path.join(dir, 'run');
  const lines = epochLines(runDir);
  expect(lines.map(({ epoch }) => epoch)).toEqual(Array.from({ length: epochs }, (_, i) => i + 1));
  for (const name of ['train/loss', 'val/loss', 'val/accuracy', 'learning_rate'])
    expect(await history(uri, runId, name.replace('/', '_'))).toEqual(lines.map((line, i) => [i, line[name]]));
  for (const name of ['train/loss_step', 'train/learning_rate', 'train/gradient_norm'])
    expect(await history(uri, runId, name)).toEqual(stepLines(runDir).map((line) => [line.step, line[name]]));
  expect(await statusOf(uri, runId)).toBe('FINISHED');
}

const stores = {
  sqlite: (dir: string) => `sqlite:///${path.join(dir, 'mlflow.db')}`,
  folder: (dir: string) => path.join(dir, 'mlruns'),
};

describe.each(Object.entries(stores))('a run tracked in a %s', (_name, uriIn) => {
  it(
    'that is killed again and again has every epoch and step there once',
    async () => {
      const dir = testFolder();
      const uri = uriIn(dir);
      for (const [number, step] of [2, 7, 9, 16].entries()) {
        const run = startTrain(number === 0 ? options(dir, uri) : resume(dir), path.join(dir, 'run'));
        await run.reach(step);
        run.child.kill('SIGKILL');
        await run.ended;
      }
      const { code, output } = await lastRun(dir);
      expect(output).not.toContain('not everything was sent');
      expect(code).toBe(0);
      await expectWhole(dir, uri);
      const again = await runEntry('packages/trainer/src/bin/mlflow-sync.ts', [path.join(dir, 'run')]);
      expect(again).toMatchObject({ code: 0, stdout: `nothing waits in ${path.join(dir, 'run')}\n` });
    },
    slowMs,
  );

  it(
    'that is killed and not resumed gets what it lacks by mlflow:sync',
    async () => {
      const dir = testFolder();
      const uri = uriIn(dir);
      const run = startTrain(options(dir, uri), path.join(dir, 'run'));
      await run.reach(9);
      run.child.kill('SIGKILL');
      await run.ended;
      await runEntry('packages/trainer/src/bin/mlflow-sync.ts', [path.join(dir, 'run')]);
      const losses = epochLines(path.join(dir, 'run')).map((line, i) => [i, line['val/loss']]);
      expect(await history(uri, runIdOf(dir), 'val_loss')).toEqual(losses);
      const steps = stepLines(path.join(dir, 'run')).map(({ step }) => step);
      expect((await history(uri, runIdOf(dir), 'train/loss_step')).map(([step]) => step)).toEqual(steps);
    },
    slowMs,
  );
});

async function lastRun(dir: string) {
  const run = startTrain(resume(dir), path.join(dir, 'run'));
  const { code } = await run.ended;
  return { code, output: run.output() };
}

async function killedAt(step: number, dir: string, uri: string): Promise<void> {
  const run = startTrain(options(dir, uri), path.join(dir, 'run'));
  await run.reach(step);
  run.child.kill('SIGKILL');
  await run.ended;
}

it(
  'a tracker that does not know the run gets a new one with everything, and the log says so',
  async () => {
    const dir = testFolder();
    await killedAt(9, dir, stores.sqlite(dir));
    const before = runIdOf(dir);
    const { output } = await trainHere([...resume(dir), `mlflow.tracking_uri=${stores.folder(dir)}`], { dir });
    expect(output).toContain(`mlflow: run ${before} is not in ${stores.folder(dir)}; a new run there gets everything`);
    expect(runIdOf(dir)).not.toBe(before);
    await expectWhole(dir, stores.folder(dir));
  },
  slowMs,
);

it(
  'a relative tracker is the same one when the run goes on from another folder',
  async () => {
    const dir = testFolder();
    const assets = path.join(repositoryRoot, 'assets/tiny');
    const own = [
      ...options(dir, 'sqlite:///own.db'),
      `model.vision.weights=${assets}/vision.safetensors`,
      `model.text.weights=${assets}/text.safetensors`,
      `model.text.tokenizer=${assets}/tokenizer.json`,
    ];
    const run = startTrain(own, path.join(dir, 'run'), { cwd: dir });
    await run.reach(5);
    run.child.kill('SIGKILL');
    await run.ended;
    expect(await lastRun(dir)).toMatchObject({ code: 0 });
    expect(existsSync('own.db')).toBe(false);
    await expectWhole(dir, `sqlite:///${path.join(dir, 'own.db')}`);
  },
  slowMs,
);
