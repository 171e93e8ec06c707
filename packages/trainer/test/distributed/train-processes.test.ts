import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Finished, runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePosts, testFolder } from '../support/posts.ts';
import { stepLosses } from '../support/read-run.ts';
import { shortRun } from '../support/run-train.ts';
import { expectSameResult } from '../support/same-run.ts';
import { trainEntry } from '../support/start-train.ts';
import { startWorkers, type WorkersToStart } from '../support/start-workers.ts';

const slowMs = 240_000;
const root = temporaryFolder();
const posts = path.join(root.dir, 'posts');
const runDirOf = (dir: string) => path.join(dir, 'run');

/** 64 posts in 11 batches, the last of 4 posts: 3 steps an epoch, of 4, 4 and 3 batches. */
const twoPhases = [
  'training.batch_size=6',
  'training.accumulate_steps=4',
  'training.adam_epsilon=1e-5',
  'training.phases={frozen: {num_epochs: 3, freeze_vision: true, freeze_text: true, learning_rate: 0.003}, ' +
    'finetune: {num_epochs: 4, freeze_vision: false, freeze_text: false, learning_rate: 0.001}}',
  'data.augmentation.enabled=true',
  'model.vision.stochastic_depth=0.2',
  'training.early_stopping.enabled=false',
  'training.save_every_steps=1',
];

/** What the phases do not read is left out. */
const command = (dir: string) => [
  ...shortRun(posts, dir).filter((override) => !/^training\.(num_epochs|learning_rate)=/.test(override)),
  ...twoPhases,
];

interface Start extends Partial<WorkersToStart> {
  dir?: string;
  overrides?: string[];
}

/** Starts `pnpm train` so many times, as a TFJob does. */
function start(count: number, { dir = testFolder(), overrides = [], ...more }: Start = {}) {
  const all = [...command(dir), ...overrides];
  return startWorkers({ entry: trainEntry, count, args: () => all, ...more });
}

async function train(count: number, options: Start = {}): Promise<{ runDir: string; ended: Finished[] }> {
  const { dir = testFolder() } = options;
  const ended = await (await start(count, { ...options, dir })).ended();
  for (const { code, stdout, stderr } of ended) expect(code, `${stdout}${stderr}`).toBe(0);
  return { runDir: runDirOf(dir), ended };
}

const alone: Start = { place: () => ({}) };

async function reach(dir: string, step: number): Promise<void> {
  const file = path.join(runDirOf(dir), 'metrics.jsonl');
  for (const deadline = Date.now() + 90_000; Date.now() < deadline; await sleep(10))
    if (existsSync(file) && readFileSync(file, 'utf8').includes(`{"step":${step},`)) return;
  throw new Error(`step ${step} was not reached`);
}

const oneDir = path.join(root.dir, 'one');
const one = { runDir: runDirOf(oneDir) };
beforeAll(async () => {
  await makePosts(posts);
  const { code, stderr } = await runEntry(trainEntry, command(oneDir));
  if (code !== 0) throw new Error(stderr);
}, slowMs);
afterAll(root.remove);

describe('processes that TF_CONFIG makes workers', { timeout: slowMs }, () => {
  test('are one that accumulates: 21 steps of both phases, weights, moments and running statistics', async () => {
    const dir = testFolder();
    const { runDir, ended } = await train(2, { dir });
    expect(stepLosses(runDir)).toHaveLength(21);
    await expectSameResult({ runDir }, one);
    expect(ended[0]?.stdout).toContain('all 2 workers hold the same weights, bit for bit');
    expect(ended.map(({ stderr }) => stderr)).toEqual(['', '']);
    expect(readdirSync(dir).filter((name) => name.startsWith('run'))).toEqual(['run']);
  });

  test('go on as one when both were killed, and as two when one was', async () => {
    for (const [victims, next] of [
      [[0, 1], 1],
      [[1], 2],
    ] as const) {
      const dir = testFolder();
      const { started, ended } = await start(2, { dir });
      await reach(dir, 14);
      for (const victim of victims) started[victim]?.child.kill('SIGKILL');
      await ended();
      const more = next === 1 ? alone : {};
      await train(next, { ...more, dir, overrides: [`training.resume=${runDirOf(dir)}`] });
      await expectSameResult({ runDir: runDirOf(dir) }, one);
    }
  });

  test('end all with 75 when one is killed, and the message names it', async () => {
    const dir = testFolder();
    const { started, ended, addresses } = await start(2, {
      dir,
      overrides: ['training.phases.finetune.num_epochs=99'],
    });
    await reach(dir, 10);
    started[1]?.child.kill('SIGKILL');
    const killedAt = performance.now();
    const [{ code, stderr }] = (await ended([0])) as [Finished];
    expect(performance.now() - killedAt).toBeLessThan(10_000);
    expect(stderr).toContain(`CROSSCHECK_WORKERS_LOST: worker 1 (${addresses[1]}) is gone`);
    expect(code).toBe(75);
    const { status, error } = JSON.parse(readFileSync(path.join(runDirOf(dir), '.hydra', 'result.json'), 'utf8'));
    expect([status, error.code]).toEqual(['failed', 'CROSSCHECK_WORKERS_LOST']);
  });

  test('all end, saved, when one is asked to stop', async () => {
    const dir = testFolder();
    const { started, ended } = await start(2, { dir });
    await reach(dir, 12);
    started[1]?.child.kill('SIGTERM');
    for (const { code } of await ended()) expect(code).toBe(143);
    await train(1, { ...alone, dir, overrides: [`training.resume=${runDirOf(dir)}`] });
    await expectSameResult({ runDir: runDirOf(dir) }, one);
  });

  test('are refused before the first step when one has another config', async () => {
    const dir = testFolder();
    const args = (rank: number) => [...command(dir), `training.seed=${rank}`];
    for (const { code, stderr } of await (await start(2, { dir, args })).ended()) {
      expect(stderr).toContain('training.seed is 0 for worker 0 and 1 for worker 1');
      expect(code).toBe(1);
    }
    expect(existsSync(path.join(runDirOf(dir), 'metrics.jsonl'))).toBe(false);
  });
});

test('training.distributed.processes=3 is the same run', { timeout: slowMs }, async () => {
  const { runDir, ended } = await train(1, { ...alone, overrides: ['training.distributed.processes=3'] });
  expect(ended[0]?.stdout).toContain('all 3 workers hold the same weights, bit for bit');
  await expectSameResult({ runDir }, one);
});
