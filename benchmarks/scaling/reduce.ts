// What a sum over workers costs, by bytes, size of buckets and number type, with workers that are processes of this machine.
//
//   pnpm bench:reduce [--workers 2] [--rounds 5] [--payloads 7.5,289] [--buckets 1,4,25,100]      appends to benchmarks/results/reduce.csv
//
// The cases take turns in every round, so that other programs on the machine disturb all alike. Processor time is that of all threads of one worker.
import { spawn } from 'node:child_process';
import { enterCluster, freePorts } from '@crosscheck/tensorflow/cluster';
import { readCommandLine } from '../command-line.ts';
import { describeMachine } from '../machine.ts';
import { appendRows, median } from '../results.ts';

const help =
  'Measures sums over workers on this machine.\n\n  pnpm bench:reduce [--workers 2] [--rounds 5] [--payloads 7.5,289] [--buckets 1,4,25,100]\n';
const given = readCommandLine(help, { workers: '2', rounds: '5', payloads: '7.5,289', buckets: '1,4,25,100' });
const [payloads, buckets] = [given.payloads, given.buckets].map((list) => list.split(',').map(Number)) as [
  number[],
  number[],
];
const cases = (['float32', 'bfloat16'] as const).flatMap((dtype) =>
  buckets.flatMap((bucketMb) => payloads.map((megabytes) => ({ dtype, bucketMb, megabytes }))),
);

const place = process.env['REDUCE_PLACE'];
const { addresses, rank } =
  place === undefined
    ? { addresses: (await freePorts(Number(given.workers))).map((port) => `127.0.0.1:${port}`), rank: 0 }
    : (JSON.parse(place) as { addresses: string[]; rank: number });
if (rank === 0) for (let other = 1; other < addresses.length; other++) startWorker(other);
enterCluster({ addresses, rank });

const { describeTensorflow, tf } = await import('@crosscheck/tensorflow');
const { openCollectiveWorkers } = await import('../../packages/trainer/src/distributed/collective-workers.ts');

interface Figures {
  ms: number[];
  processorMs: number[];
}

const workers = await openCollectiveWorkers({
  startSeconds: 60,
  timeoutSeconds: 60,
  gradientDtype: 'float32',
  say: console.log,
});
const figures = new Map<string, Figures>();
for (let round = 0; round <= Number(given.rounds); round++) {
  for (const one of cases) {
    const measured = await measure(one);
    if (round > 0) note(JSON.stringify(one), measured); // the first round opens connections and takes memory
  }
}
await workers.close();
if (rank === 0) write();

function startWorker(other: number): void {
  const env = { ...process.env, REDUCE_PLACE: JSON.stringify({ addresses, rank: other }) };
  const script = process.argv.slice(1);
  spawn(process.execPath, [...process.execArgv, ...script], { env, stdio: 'inherit' });
}

async function measure({ dtype, bucketMb, megabytes }: (typeof cases)[number]): Promise<[number, number]> {
  const tensor = tf.ones([Math.round((megabytes * 1e6) / 4)]);
  await workers.gather('ready');
  const [began, processor] = [performance.now(), process.cpuUsage()];
  const { tensors } = await workers.sumIn(dtype, (bucketMb * 1e6) / 4, [tensor]);
  const { user, system } = process.cpuUsage(processor);
  const ms = performance.now() - began;
  tf.dispose([tensor, tensors]);
  return [ms, (user + system) / 1000];
}

function note(name: string, [ms, processorMs]: [number, number]): void {
  const { ms: all, processorMs: processors } = figures.get(name) ?? { ms: [], processorMs: [] };
  figures.set(name, { ms: [...all, ms], processorMs: [...processors, processorMs] });
}

function write(): void {
  const machine = describeMachine();
  const shared = {
    workers: addresses.length,
    rounds: given.rounds,
    version: describeTensorflow(),
    date: new Date().toISOString(),
  };
  const rows = [...figures].map(([name, { ms, processorMs }]) => ({
    ...(JSON.parse(name) as (typeof cases)[number]),
    medianMs: Math.round(median(ms)),
    fastestMs: Math.round(Math.min(...ms)),
    processorMs: Math.round(median(processorMs)),
    ...shared,
    ...machine,
  }));
  console.table(
    rows.map(({ dtype, bucketMb, megabytes, medianMs, fastestMs, processorMs }) => ({
      dtype,
      bucketMb,
      megabytes,
      medianMs,
      fastestMs,
      processorMs,
    })),
  );
  console.log(appendRows('reduce', rows));
}
