import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { measureCompletion } from '../src/consumers/completion.ts';
import { openPush, pushProgress, statusServerOf } from '../src/consumers/trainer-progress.ts';
import { alone } from '../src/distributed/workers.ts';
import { epochEvent, stepEvent } from './support/events.ts';
import { makePosts, testFolder } from './support/posts.ts';
import { shortRun } from './support/run-train.ts';
import { startTrain } from './support/start-train.ts';
import { hasOpenssl, startStatusServer } from './support/status-server.ts';
import { composeTiny } from './support/tiny-step.ts';

const folder = temporaryFolder();
const posts = path.join(folder.dir, 'posts');
beforeAll(() => makePosts(posts));
afterAll(() => folder.remove());

const { phase } = composeTiny('training.num_epochs=2');
const second = { ...phase, index: 1, numEpochs: 3, accumulateSteps: 2, numSteps: 4 };

/** A push to a server, with what it said. */
function open(env: NodeJS.ProcessEnv, patienceMs = 5_000) {
  const server = statusServerOf(env);
  if (server === null) throw new Error('no server in the environment');
  const said: string[] = [];
  const completion = measureCompletion([phase], null);
  const push = pushProgress(server, { completion, say: (line) => said.push(line), pauseMs: 1, patienceMs });
  return { push, said };
}

describe.skipIf(!hasOpenssl)(
  `the status server of Kubeflow Trainer${hasOpenssl ? '' : ' (skipped: no openssl)'}`,
  () => {
    test('hears of a run: per cent that rise to 100, seconds left, the metrics of metrics.jsonl', {
      timeout: 120_000,
    }, async () => {
      const dir = testFolder();
      const { state, env } = await startStatusServer(testFolder());
      const { ended, output, runDir } = startTrain(shortRun(posts, dir), path.join(dir, 'run'), { env });
      expect(await ended, output()).toEqual({ code: 0, signal: null });
      expect(state.refused).toEqual([]);
      const shown = state.statuses.map(({ progressPercentage = -1 }) => progressPercentage);
      expect(shown).toEqual(shown.toSorted((a, b) => a - b));
      expect(shown.at(-1)).toBe(100);
      const last = state.statuses.at(-1);
      expect(last?.estimatedRemainingSeconds).toBe(0);
      const lines = readFileSync(path.join(runDir, 'metrics.jsonl'), 'utf8').trim().split('\n');
      const { 'val/accuracy': accuracy } = JSON.parse(lines.at(-1) ?? '') as Record<string, number>;
      expect(last?.metrics).toContainEqual({ name: 'val/accuracy', value: String(accuracy) });
    });

    test('that refuses ends no training: it is said once', { timeout: 120_000 }, async () => {
      const dir = testFolder();
      const { state, env } = await startStatusServer(testFolder());
      state.token = 'another';
      const { ended, output } = startTrain(shortRun(posts, dir), path.join(dir, 'run'), { env });
      expect(await ended, output()).toEqual({ code: 0, signal: null });
      expect(state.statuses).toEqual([]);
      const said = output().match(/Kubeflow Trainer does not take the progress, training goes on: .*/g);
      expect(said).toEqual([expect.stringContaining('it answered 403 Forbidden')]);
    });

    test('gets the token as it is at each request', async () => {
      const { state, env, tokenFile } = await startStatusServer(testFolder());
      const { push, said } = open(env);
      void push.on(stepEvent(phase, { step: 1, batch: 1 }));
      await expect.poll(() => state.statuses.length).toBe(1);
      state.token = 'second';
      writeFileSync(tokenFile, 'second\n');
      await push.close(true);
      expect([state.statuses.length, state.refused, said]).toEqual([2, [], []]);
    });

    test('gets the whole status each time, the newest where it is slow', async () => {
      const { state, env } = await startStatusServer(testFolder());
      state.delayMs = 100;
      const { push } = open(env);
      void push.on({ kind: 'epoch-start', phase, epoch: 1, steps: 100 });
      for (let step = 1; step <= 100; step++) void push.on(stepEvent(phase, { step, batch: step, phaseStep: step }));
      void push.on(
        epochEvent(phase, { step: 100, phaseStep: 100, epoch: 1, totalEpochs: 1 }, { 'val/loss': Number.NaN }),
      );
      await push.close(false);
      expect(state.refused).toEqual([]);
      expect(state.statuses.map(({ progressPercentage }) => progressPercentage)).toEqual([0, 50]);
      const named = Object.fromEntries(state.statuses.at(-1)?.metrics?.map(({ name, value }) => [name, value]) ?? []);
      expect(named).toEqual({ 'train/loss_step': '0.5', 'train/learning_rate': '0.1', 'val/loss': 'NaN' });
    });

    test('that never answers holds up the end for no longer than the patience', async () => {
      const { state, env } = await startStatusServer(testFolder());
      state.delayMs = 60_000;
      const { push, said } = open(env, 200);
      const began = performance.now();
      await push.close(true);
      expect(performance.now() - began).toBeLessThan(5_000);
      expect(said).toHaveLength(1);
    });

    test('that is gone is a line in the log', async () => {
      const { env, stop } = await startStatusServer(testFolder());
      stop();
      const { push, said } = open(env);
      await push.close(true);
      expect(said).toEqual([expect.stringContaining('ECONNREFUSED')]);
    });

    test('with a certificate of another authority hears nothing', async () => {
      const { state, env } = await startStatusServer(testFolder());
      const other = await startStatusServer(testFolder());
      const { push, said } = open({
        ...env,
        KUBEFLOW_TRAINER_SERVER_CA_CERT: other.env.KUBEFLOW_TRAINER_SERVER_CA_CERT,
      });
      await push.close(true);
      expect(state.statuses).toEqual([]);
      expect(said).toEqual([expect.stringMatching(/certificate|signature/)]);
    });

    test('whose files are missing is a line in the log', async () => {
      const { env } = await startStatusServer(testFolder());
      const { push, said } = open({ ...env, KUBEFLOW_TRAINER_SERVER_TOKEN: '/nowhere/token' });
      await push.close(true);
      await sleep(10);
      expect(said).toEqual([expect.stringContaining('/nowhere/token')]);
    });
  },
);

test('the first worker of a TrainJob is the only one that tells', () => {
  const { config } = composeTiny();
  const openFor = (rank: number, env: NodeJS.ProcessEnv) =>
    openPush({ workers: { ...alone, rank }, phases: [phase], config, say: () => {} }, env);
  const env = { KUBEFLOW_TRAINER_SERVER_URL: 'https://localhost:1/status' };
  expect([openFor(0, env) !== null, openFor(1, env), openFor(0, {})]).toEqual([true, null, null]);
});

describe('how much of a run is done', () => {
  const after = (
    phases: (typeof phase)[],
    maxSteps: number | null,
    ...events: Parameters<ReturnType<typeof measureCompletion>['see']>
  ) => {
    const completion = measureCompletion(phases, maxSteps);
    completion.see({ kind: 'epoch-start', phase, epoch: 1, steps: 10 });
    for (const event of events) completion.see(event);
    return completion.fraction();
  };

  test('counts epochs over all phases, and batches within one', () => {
    expect(after([phase, second], null, stepEvent(phase, { batch: 5, phaseStep: 5, step: 5 }))).toBeCloseTo(0.1);
    const inSecond = { phase: 1, epoch: 1, batch: 10, phaseStep: 1, step: 30 };
    expect(
      after([phase, { ...second, numSteps: null }], null, stepEvent({ ...second, numSteps: null }, inSecond)),
    ).toBeCloseTo(0.7);
  });

  test('knows the limits of steps', () => {
    expect(after([phase, second], null, stepEvent(second, { phase: 1, phaseStep: 4, step: 24 }))).toBe(1);
    expect(after([phase], 10, stepEvent(phase, { batch: 5, phaseStep: 5, step: 5 }))).toBe(0.5);
  });
});
