import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '@crosscheck/testkit';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import type { SweepJob } from '../src/cli/command.ts';
import { greetFolder } from './bin/folder.ts';

const { dir, remove, greet } = greetFolder();
afterAll(remove);

const recordOf = (...parts: string[]) =>
  JSON.parse(readFileSync(path.join(dir, ...parts, '.hydra/result.json'), 'utf8'));

/** Starts `greet` and waits until it waits. */
async function startWaiting(args: string[]): Promise<{ child: ChildProcess; said: () => string }> {
  const node = [
    '--conditions=@crosscheck/source',
    path.join(repositoryRoot, 'packages/config/test/bin/greet.ts'),
    ...args,
  ];
  const child = spawn(process.execPath, node, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [said, isWaiting] = ['', false];
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (!isWaiting && said.includes('waits here\n')) resolve();
      isWaiting ||= said.includes('waits here\n');
    });
  }
  await promise;
  return { child, said: () => said };
}

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const)('a run that %s ends says so in its record', async (signal, code) => {
  const { child } = await startWaiting(['greeting.text=waits', `hydra.run.dir=by-${signal}`]);
  child.kill(signal);
  expect(await once(child, 'close')).toEqual([code, null]);
  expect(recordOf(`by-${signal}`)).toMatchObject({
    status: 'interrupted',
    error: { code: 'CROSSCHECK_COMMAND_INTERRUPTED', message: `ended by ${signal} before it was done` },
  });
});

test('a sweep ends with its job, starts no other, and says what is missing', async () => {
  const { child, said } = await startWaiting(['-m', 'greeting.text=a,waits,b', 'hydra.sweep.dir=stopped']);
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([143, null]);
  const summary = JSON.parse(readFileSync(path.join(dir, 'stopped/summary.json'), 'utf8')) as SweepJob[];
  expect(summary.map(({ number, status }) => [number, status])).toEqual([
    [0, 'finished'],
    [1, 'interrupted'],
    [2, 'skipped'],
  ]);
  expect(said().trim().split('\n').at(-1)).toBe('1 interrupted, 1 skipped of 3 jobs');
  expect(existsSync(path.join(dir, 'stopped/2'))).toBe(false);
});

test('a run that nothing can finish any more is a failure with a record', async () => {
  const { code, stderr } = await greet(['greeting.text=forgotten', 'hydra.run.dir=forgotten']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^CROSSCHECK_COMMAND_ENDED_EARLY: .*\n$/);
  expect(recordOf('forgotten')).toMatchObject({ status: 'failed', error: { code: 'CROSSCHECK_COMMAND_ENDED_EARLY' } });
});
