import { createServer } from 'node:net';
import { startEntry } from '@crosscheck/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../src/cluster/free-ports.ts';

const entry = 'packages/tensorflow/test/bin/worker.ts';

interface Said {
  own: number[];
  sum: string;
  isSame: boolean;
  rounded: number[];
  tensors: number;
  message: string;
  later: string;
  local: number;
  peer: string;
}

interface Worker {
  /** Everything that it said, as one object. */
  said: Partial<Said>;
  code: number | null;
  signal: string | null;
  stderr: string;
}

/** Runs that many workers on this machine to their end. */
async function run(count: number, what: string): Promise<Worker[]> {
  const addresses = (await freePorts(count)).map((port) => `127.0.0.1:${port}`).join(',');
  const workers = Array.from({ length: count }, (_, rank) => startEntry(entry, [addresses, String(rank), what]));
  for (const { child } of workers) onTestFinished(() => void child.kill('SIGKILL'));
  if (what === 'freeze') void workers[0]?.ended.then(() => workers[1]?.child.kill('SIGKILL'));
  return Promise.all(
    workers.map(async ({ ended }) => {
      const { stdout, stderr, code, signal } = await ended;
      const said = Object.assign({}, ...stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)])));
      return { said: said as Partial<Said>, code, signal, stderr };
    }),
  );
}

const floats = (hex = '') => new Float32Array(Uint8Array.from(Buffer.from(hex, 'hex')).buffer);

test('three processes get the sum of what each has, the same bits, again and again, and say nothing on stderr', async () => {
  const workers = await run(3, 'sum');
  const [first] = workers as [Worker];
  const sum = floats(first.said.sum);
  expect(sum).toHaveLength(1000);
  sum.forEach((value, i) => {
    expect(value).toBeCloseTo(
      workers.reduce((total, { said }) => total + (said.own?.[i] ?? Number.NaN), 0),
      5,
    );
    expect(Math.abs((first.said.rounded?.[i] ?? Number.NaN) - value)).toBeLessThan(0.03);
  });
  for (const { said, code, stderr } of workers) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(said).toMatchObject({ sum: first.said.sum, isSame: true, rounded: first.said.rounded, tensors: 0 });
  }
});

test('a worker that is killed ends the sums of the others with an error, and nothing else of them', async () => {
  const [left, killed] = (await run(2, 'exit')) as [Worker, Worker];
  expect(killed.signal).toBe('SIGKILL');
  expect(left.said.message).toMatch(/task:1|reset by peer|Socket closed/);
  expect(left.said.later).toMatch(/aborted/);
  expect(left).toMatchObject({ code: 0, said: { local: 2 } });
});

test('a frozen worker does not answer when it is asked for its health, and the sum can be given up', async () => {
  const [left] = (await run(2, 'freeze')) as [Worker];
  expect(left.said.peer).toMatch(/Deadline Exceeded/);
  expect(left.said.message).toMatch(/no answer within 1 s/);
  expect(left.code).toBe(0);
});

test('a port in use is said by its number', async () => {
  const server = createServer();
  onTestFinished(() => void server.close());
  const [port, other] = (await freePorts(2)) as [number, number];
  await new Promise<void>((resolve) => void server.listen(port, '::', resolve));
  const { code, stderr } = await startEntry(entry, [`127.0.0.1:${port},127.0.0.1:${other}`, '0', 'sum']).ended;
  expect(code).toBe(1);
  expect(stderr).toContain(`worker 0 cannot listen on port ${port}`);
});
