// Speed of the service, ours and its peers' side by side: `pnpm bench:serve --help`.
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { readCommandLine } from '../command-line.ts';
import { describeMachine } from '../machine.ts';
import { appendRows, median, type Row } from '../results.ts';
import { type Compared, checkBars, compare } from './compare.ts';
import { type LoadPlan, runBareLoop, type Visit, visit } from './measure.ts';
import { type Models, makeModels } from './models.ts';
import { type System, systems } from './systems.ts';

const help = `Usage: pnpm bench:serve [options]

Starts one service after the other, in alternating order, and asks each with 150 kB JPEGs of 1024×768 and texts as long as titles.

  --systems a,b,…   of ${systems.map(({ name }) => name).join(', ')} (all)
  --clients a,b,…   that ask at the same time (1,8,32)
  --seconds N       of each measurement, after 2 that are not counted (8)
  --rounds N        lives of every service; figures are medians over them (2)
  --no-bare         leave out the loops that only run the model
  --note TEXT       kept with the figures

The models (72 million random weights) are made at the first run, which takes some minutes.
`;

interface Options extends LoadPlan {
  systems: System[];
  rounds: number;
  bare: boolean;
  note: string;
}

function readOptions(): Options {
  const values = readCommandLine(help, {
    systems: systems.map(({ name }) => name).join(),
    clients: '1,8,32',
    seconds: '8',
    rounds: '2',
    bare: true,
    note: '',
  });
  return {
    systems: values.systems.split(',').map(findSystem),
    clients: values.clients.split(',').map(Number),
    seconds: Number(values.seconds),
    warmUpSeconds: 2,
    rounds: Number(values.rounds),
    bare: values.bare,
    note: values.note,
  };
}

function findSystem(name: string): System {
  const found = systems.find((system) => system.name === name);
  if (found) return found;
  process.stderr.write(`no system is called ${name}\n${help}`);
  process.exit(1);
}

const log = (message: string) => process.stderr.write(`${message}\n`);

async function visitAll(models: Models, options: Options): Promise<Map<string, Visit[]>> {
  const visits = new Map<string, Visit[]>(options.systems.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    const order = round % 2 === 0 ? options.systems : [...options.systems].reverse();
    for (const system of order) {
      const seen = await visit(system, models, options);
      visits.get(system.name)?.push(seen);
      log(`${system.name}: ${seen.loads.map(({ requestsPerSecond: rate }) => rate.toFixed(1)).join(', ')} requests/s`);
    }
  }
  return visits;
}

/** Posts per second of the model alone, by what runs. */
async function runBareLoops(models: Models, { rounds }: Options): Promise<Record<string, number>> {
  const cores = availableParallelism();
  const crowd = { workers: cores, threadsPerWorker: 1, batch: 4, tokens: null, seconds: 5, posts: null };
  const lone = { workers: 1, threadsPerWorker: cores, batch: 1, tokens: 20, seconds: 3, posts: null };
  const inFolder = (folder: string) => path.join(folder, 'multimodal_model.onnx');
  const plain = path.join(models.peers, 'plain.onnx');
  const loops = {
    'bare-fp32': { ...crowd, modelFile: inFolder(models.fp32) },
    'bare-int8': { ...crowd, modelFile: inFolder(models.int8) },
    'decode-fp32': { ...crowd, modelFile: inFolder(models.fp32), posts: models.posts },
    'decode-int8': { ...crowd, modelFile: inFolder(models.int8), posts: models.posts },
    'lone-fp32': { ...lone, modelFile: inFolder(models.fp32) },
    'lone-int8': { ...lone, modelFile: inFolder(models.int8) },
    'lone-plain': { ...lone, modelFile: plain },
  };
  const rates = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++)
    for (const [name, options] of Object.entries(loops))
      rates.set(name, [...(rates.get(name) ?? []), await runBareLoop(options)]);
  return Object.fromEntries([...rates].map(([name, values]) => [name, median(values)]));
}

function report(compared: Compared[], bare: Record<string, number>, { seconds, rounds, note }: Options): void {
  const facts = { date: new Date().toISOString(), seconds, rounds, ...machine, note };
  const unasked = { clients: '', p50Ms: '', p99Ms: '', readySeconds: '', peakMb: '', failures: '' };
  const loops = Object.entries(bare).map(([system, requestsPerSecond]) => ({ system, requestsPerSecond, ...unasked }));
  const figures: Row[] = [...compared, ...loops].map(({ system: service, requestsPerSecond, ...others }) => ({
    service,
    requestsPerSecond: requestsPerSecond.toFixed(2),
    ...others,
  }));
  process.stdout.write(`${figures.map((row) => JSON.stringify(row)).join('\n')}\n`);
  for (const line of checkBars(compared, bare)) process.stdout.write(`${line}\n`);
  const rows = figures.map((row) => ({ ...row, ...facts }));
  process.stdout.write(`appended to ${appendRows('serving', rows)}\n`);
}

const options = readOptions();
const models = await makeModels(log);
const machine = describeMachine();
const visits = await visitAll(models, options);
const bare = options.bare ? await runBareLoops(models, options) : {};
report(compare(visits, options.clients), bare, options);
process.exit();
