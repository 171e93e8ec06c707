// The service under more load than it can take, for a long time: `pnpm bench:soak --help`.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { readCommandLine } from '../command-line.ts';
import { describeMachine, repositoryRoot } from '../machine.ts';
import { appendRows, median } from '../results.ts';
import type { Answers, FloodOptions } from './flood.ts';
import { generateLoad } from './measure.ts';
import { makeModels } from './models.ts';
import { type RunningSystem, startSystem, systems } from './systems.ts';

const help = `Usage: pnpm bench:soak [options]

Asks the service twice as often as it can answer, and watches its memory and its answers.

  --minutes N     (30)
  --system NAME   ours-fp32 or ours-int8 (ours-int8)
  --load N        how many times what it can take (2)
  --note TEXT     kept with the figures
`;

const port = 8767;
const intervalSeconds = 10;

interface Options {
  minutes: number;
  system: string;
  load: number;
  note: string;
}

function readOptions(): Options {
  const values = readCommandLine(help, { minutes: '30', system: 'ours-int8', load: '2', note: '' });
  const [minutes, load] = [Number(values.minutes), Number(values.load)];
  return { minutes, load, system: values.system, note: values.note };
}

interface Interval {
  minute: number;
  rssMb: number;
  answers: Answers;
}

async function soak(running: RunningSystem, options: FloodOptions): Promise<Interval[]> {
  const entry = path.join(repositoryRoot, 'benchmarks/serving/flood.ts');
  const child = spawn(process.execPath, ['--conditions=@crosscheck/source', entry, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const intervals: Interval[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const minute = Number(((intervals.length + 1) * (intervalSeconds / 60)).toFixed(2));
    intervals.push({ minute, rssMb: running.memory().nowMb, answers: JSON.parse(line) as Answers });
    process.stderr.write(`${JSON.stringify(intervals.at(-1))}\n`);
  }
  return intervals;
}

/** How far memory strays from its median, after a first tenth in which it may grow; and answers that should not be. */
function judge(intervals: readonly Interval[]): { medianMb: number; strayPercent: number; failures: number } {
  const memory = intervals.slice(Math.ceil(intervals.length / 10)).map(({ rssMb }) => rssMb);
  const medianMb = median(memory);
  const stray = Math.max(...memory.map((rssMb) => Math.abs(rssMb - medianMb) / medianMb));
  const isFailure = (status: string) => status === '0' || (status.startsWith('5') && !['503', '504'].includes(status));
  const failures = intervals
    .flatMap(({ answers }) => Object.entries(answers))
    .reduce((sum, [status, count]) => sum + (isFailure(status) ? count : 0), 0);
  return { medianMb, strayPercent: Number((100 * stray).toFixed(1)), failures };
}

const { minutes, system: name, load, note } = readOptions();
const system = systems.find((each) => each.name === name);
if (!system) throw new Error(`no system is called ${name}\n${help}`);
const models = await makeModels((message) => process.stderr.write(`${message}\n`));
const machine = describeMachine();
const running = await startSystem(system, models, port);
try {
  const target = { url: `${running.url}/predict`, posts: models.posts };
  const { requestsPerSecond: capacity } = await generateLoad({ ...target, clients: 32, seconds: 10, warmUpSeconds: 3 });
  const requestsPerSecond = Math.round(load * capacity);
  const intervals = await soak(running, { ...target, requestsPerSecond, seconds: 60 * minutes, intervalSeconds });
  const verdict = judge(intervals);
  const facts = { date: new Date().toISOString(), service: name, capacity: capacity.toFixed(1), requestsPerSecond };
  const rows = intervals.map(({ minute, rssMb, answers }) => {
    const count = (...statuses: string[]) => statuses.reduce((sum, status) => sum + (answers[status] ?? 0), 0);
    const known = { ok: count('200'), refused429: count('429'), refused503: count('503'), late504: count('504') };
    const all = Object.values(answers).reduce((sum, some) => sum + some, 0);
    const others = all - Object.values(known).reduce((sum, some) => sum + some, 0);
    return { minute, rssMb, ...known, others, ...facts, ...machine, note };
  });
  process.stdout.write(`${JSON.stringify({ ...verdict, capacity, requestsPerSecond, minutes })}\n`);
  process.stdout.write(`appended to ${appendRows('soak', rows)}\n`);
} finally {
  await running.stop();
}
process.exit();
