import { freePorts } from '@crosscheck/tensorflow/cluster';
import type { Finished } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import { startWorkers, type WorkersToStart } from '../support/start-workers.ts';

const entry = 'packages/trainer/test/bin/workers.ts';
const lost = 75;

interface Said {
  rank: number;
  world: number;
  errors: number[];
  also: number[];
  shapes: number[][];
  digest: string;
  alone: number[];
  tensors: number;
  gathered: unknown[];
  nothing: unknown[];
}

const linesOf = ({ stdout }: Finished): Partial<Said>[] =>
  stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Partial<Said>]));

const run = (
  count: number,
  what: string,
  { overrides = [], ...more }: { overrides?: string[] } & Partial<WorkersToStart> = {},
) => startWorkers({ entry, count, args: () => [what, ...overrides], ...more });

describe('several processes', () => {
  test.each([2, 3])('%i of them get the same sum of any tensors, and of what rides along', async (count) => {
    const workers = await (await run(count, 'sum')).ended();
    const [first = []] = workers.map(linesOf);
    for (const { code, stderr } of workers) expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const lines of workers.map(linesOf)) {
      const [, one, again, last] = lines;
      expect(one?.digest).toBe(first[1]?.digest);
      expect(again).toEqual(one);
      expect(one?.shapes).toEqual([[3, 4], [], [6_500_000], [0, 5], [17]]);
      for (const error of one?.errors ?? []) expect(error).toBeLessThan(1e-6);
      const sums = [count / 3, (count * (count - 1)) / 2, count * 2 ** 20 + (count * (count - 1)) / 2];
      expect(one?.also).toEqual(sums.map(Math.fround));
      expect(last).toEqual({ alone: [2 * count], tensors: 0 });
    }
  });

  test('of training.distributed.gradient_dtype=bfloat16 round gradients on their way, and nothing else', async () => {
    const workers = await (
      await run(2, 'sum', { overrides: ['training.distributed.gradient_dtype=bfloat16'] })
    ).ended();
    for (const lines of workers.map(linesOf)) {
      const errors = lines[1]?.errors ?? [];
      expect(Math.max(...errors)).toBeGreaterThan(1e-4);
      expect(Math.max(...errors)).toBeLessThan(0.02);
      expect(lines[1]?.also).toEqual([Math.fround(2 / 3), 1, 2 ** 21 + 1]);
    }
  });

  test('get everybody’s value, of any length, in the order of ranks', async () => {
    const workers = await (await run(3, 'gather')).ended();
    for (const [, gathered, nothing] of workers.map(linesOf)) {
      expect(gathered?.gathered).toEqual([
        [0, 0],
        [1, 3],
        [2, 200_000],
      ]);
      expect(nothing?.nothing).toEqual([null, null, null]);
    }
  });

  test('of training.distributed.hosts find their place by JOB_COMPLETION_INDEX', async () => {
    const [one, other] = await freePorts(2);
    const overrides = [`training.distributed.hosts=[localhost:${one},localhost:${other}]`];
    const place = (_: readonly string[], rank: number) => ({ JOB_COMPLETION_INDEX: String(rank) });
    for (const { code, stderr } of await (await run(2, 'gather', { overrides, place })).ended())
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('a worker that is gone ends the others with exit code 75', () => {
  test.each([
    ['kill', 'was killed'],
    ['leave', 'has exited'],
  ])('%s: one that %s', async (what) => {
    const { addresses, ended } = await run(3, what);
    for (const { code, stderr } of await ended([0, 1])) {
      expect(stderr).toContain('CROSSCHECK_WORKERS_LOST');
      expect(stderr).toContain('training.resume');
      expect(code).toBe(lost);
    }
    const [{ stderr }] = (await ended([0])) as [Finished];
    expect(stderr).toMatch(new RegExp(`worker [12] \\((${addresses[1]}|${addresses[2]})\\)`));
  });

  test('a frozen one, within training.distributed.timeout_seconds', async () => {
    const began = performance.now();
    const { ended, addresses } = await run(2, 'freeze', { overrides: ['training.distributed.timeout_seconds=2'] });
    const [{ code, stderr }] = (await ended([0])) as [Finished];
    expect(stderr).toContain(`worker 1 (${addresses[1]}) has not answered for 2 s`);
    expect(code).toBe(lost);
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  test('but not one that is only busy for longer', async () => {
    const { ended } = await run(2, 'busy', { overrides: ['training.distributed.timeout_seconds=1'] });
    for (const finished of await ended()) {
      expect(linesOf(finished).at(-1)?.gathered).toEqual([0, 1]);
      expect(finished.code).toBe(0);
    }
  });

  test('one that answers and yet does not come is given up in the end', async () => {
    const { ended } = await run(2, 'absent', { overrides: ['training.distributed.timeout_seconds=0.5'] });
    const [{ code, stderr }] = (await ended([0])) as [Finished];
    expect(stderr).toContain('do not come to the same point of the run');
    expect(code).toBe(lost);
  });

  test('one that never came, within training.distributed.start_seconds', async () => {
    const place = () => ({
      TF_CONFIG: '{"cluster":{"worker":["127.0.0.1:9","127.0.0.1:10"]},"task":{"type":"worker","index":0}}',
    });
    const { ended } = await run(1, 'gather', { overrides: ['training.distributed.start_seconds=1'], place });
    const [{ code, stderr }] = (await ended()) as [Finished];
    expect(stderr).toContain('worker 1 (127.0.0.1:10) did not come within 1 s');
    expect(code).toBe(lost);
  });
});

test('a name that does not resolve is said', async () => {
  const place = (addresses: readonly string[]) => ({
    TF_CONFIG: JSON.stringify({
      cluster: { worker: [addresses[0], 'nowhere.invalid:2222'] },
      task: { type: 'worker', index: 0 },
    }),
  });
  const { ended } = await run(1, 'gather', { overrides: ['training.distributed.start_seconds=1'], place });
  const [{ code, stderr }] = (await ended()) as [Finished];
  expect(stderr).toMatch(/CROSSCHECK_WORKERS_ADDRESS: TF_CONFIG names a worker on nowhere\.invalid, which does not/);
  expect(code).toBe(1);
});

test('workers that know only where the first one is meet there', async () => {
  const place = (addresses: readonly string[], rank: number) => ({
    RANK: String(rank),
    WORLD_SIZE: '3',
    MASTER_ADDR: '127.0.0.1',
    MASTER_PORT: String(addresses[0]?.split(':')[1]),
  });
  const { ended } = await run(3, 'gather', { place });
  for (const finished of await ended()) {
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    expect(linesOf(finished)[1]?.gathered).toHaveLength(3);
  }
});

test('training.distributed.processes starts the others, whose words bear their names', async () => {
  const place = () => ({});
  const { ended } = await run(1, 'gather', { overrides: ['training.distributed.processes=3'], place });
  const [{ code, stdout, stderr }] = (await ended()) as [Finished];
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.split('\n');
  expect(lines).toContain('{"rank":0,"world":3}');
  expect(lines).toContain('worker 1 | {"rank":1,"world":3}');
  expect(lines).toContain('worker 2 | {"nothing":[null,null,null]}');
});
