// Fine-tuning speed and memory, ours and PyTorch's side by side: `pnpm bench:train --help`.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readCommandLine } from '../command-line.ts';
import { describeMachine, repositoryRoot } from '../machine.ts';
import { findPython } from '../python.ts';
import { appendRows, median } from '../results.ts';
import { type EngineProcess, type StepTime, startEngine } from './engine-process.ts';
import { titleLengths, writeSamples } from './samples.ts';

const help = `Usage: pnpm bench:train [options]

Every engine makes a step of the same batch before the next batch comes; which goes first changes from batch to batch.

  --batch N         samples in a batch (16)
  --batches N       measured batches, after one that is not counted (8)
  --threads N       threads of each engine (all cores: ${availableParallelism()})
  --engines a,b,…   of ours-fast, ours-bf16, ours-plain, ours-frozen, torch-original, torch-tuned, torch-bf16, torch-frozen
                    (ours-fast,torch-original,torch-tuned,torch-bf16)
  --device NAME     cpu, or cuda: TensorFlow's CUDA build must be set up, and PyTorch's comes from CROSSCHECK_TORCH_PYTHON (cpu)
  --note TEXT       kept with the figures
`;

interface Options {
  batch: number;
  batches: number;
  threads: number;
  engines: string[];
  device: string;
  note: string;
}

function readOptions(): Options {
  const values = readCommandLine(help, {
    batch: '16',
    batches: '8',
    threads: String(availableParallelism()),
    engines: 'ours-fast,torch-original,torch-tuned,torch-bf16',
    device: 'cpu',
    note: '',
  });
  const [batch, batches, threads] = [values.batch, values.batches, values.threads].map(Number);
  const { engines, device, note } = values;
  return { batch, batches, threads, engines: engines.split(','), device, note } as Options;
}

/** For a GPU PyTorch is the user's own. */
const findTorch = (): string => process.env['CROSSCHECK_TORCH_PYTHON'] || findPython();

function commandOf(engine: string, folder: string, { batch, threads, device }: Options): string[] {
  const [family, variant = ''] = engine.split('-');
  const script = (file: string) => path.join(repositoryRoot, 'benchmarks', file);
  return family === 'torch'
    ? [findTorch(), script('peers/training.py'), folder, variant, String(batch), String(threads), device]
    : [process.execPath, '--conditions=@crosscheck/source', script('training/ours.ts'), folder, variant, String(batch)];
}

/** TensorFlow reads its thread count from the environment; PyTorch is told. */
const environment = ({ threads, device }: Options) => ({
  ...process.env,
  CROSSCHECK_TENSORFLOW_FLAVOR: device,
  TF_NUM_INTRAOP_THREADS: String(threads),
  OMP_NUM_THREADS: String(threads),
});

interface Result {
  engine: EngineProcess;
  steps: StepTime[];
  peakBytes: number;
}

/** Threads of the engine before may still wait for more work, which takes a core; they sleep after that. */
const restMs = 300;

async function measure(folder: string, options: Options): Promise<Result[]> {
  const results: Result[] = [];
  for (const name of options.engines) {
    const engine = await startEngine(name, commandOf(name, folder, options), environment(options));
    results.push({ engine, steps: [], peakBytes: 0 });
  }
  for (const { engine } of results) await engine.step(options.batches);
  for (let batch = 0; batch < options.batches; batch++) {
    const order = batch % 2 === 0 ? results : [...results].reverse();
    for (const { engine, steps } of order) {
      await setTimeout(restMs);
      steps.push(await engine.step(batch));
    }
    process.stderr.write(`batch ${batch + 1} of ${options.batches}\r`);
  }
  for (const result of results) result.peakBytes = await result.engine.end();
  return results;
}

const sum = (numbers: number[]) => numbers.reduce((total, x) => total + x, 0);

/** How many times as long as ours theirs takes: batches differ in length, so it is asked batch by batch. */
const ratio = (theirs: Result, ours: Result, of: 'seconds' | 'cpuSeconds') =>
  median(theirs.steps.map((step, i) => step[of] / (ours.steps[i] as StepTime)[of]));

/** Between engines of ours, which start from the same weights and draw the same masks. */
const lossDifference = (result: Result, ours: Result) =>
  Math.max(...result.steps.map(({ loss }, i) => Math.abs(loss - (ours.steps[i] as StepTime).loss))).toExponential(1);

function compare(result: Result, ours: Result, batch: number) {
  const { steps, engine, peakBytes } = result;
  const seconds = steps.map((step) => step.seconds);
  return {
    engine: engine.name,
    samplesPerSecond: ((batch * seconds.length) / sum(seconds)).toFixed(2),
    medianStepMs: Math.round(1000 * median(seconds)),
    fastestStepMs: Math.round(1000 * Math.min(...seconds)),
    firstIsFaster: ratio(result, ours, 'seconds').toFixed(2),
    firstNeedsLessCpu: ratio(result, ours, 'cpuSeconds').toFixed(2),
    peakGb: (peakBytes / 1e9).toFixed(2),
    firstNeedsMemory: (ours.peakBytes / peakBytes).toFixed(2),
    lossDifference: engine.name.startsWith('ours') ? lossDifference(result, ours) : '',
    version: engine.version,
  };
}

const options = readOptions();
const machine = describeMachine();
const folder = mkdtempSync(path.join(tmpdir(), 'crosscheck-bench-'));
try {
  const count = options.batch * (options.batches + 1);
  writeSamples(folder, count);
  const results = await measure(folder, options);
  const rows = results.map((result) => compare(result, results[0] as Result, options.batch));
  const { batch, batches, threads, device, note } = options;
  const meanTokens = (sum([...titleLengths(count)]) / count).toFixed(1);
  const facts = { date: new Date().toISOString(), device, batch, batches, threads, meanTokens, ...machine, note };
  process.stdout.write(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  process.stdout.write(
    `appended to ${appendRows(
      'training',
      rows.map((row) => ({ ...row, ...facts })),
    )}\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
