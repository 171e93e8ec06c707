// When in a step each gradient is there, and what the rest of a step takes: what `pnpm scaling` reckons from.
//
//   pnpm bench:scaling [--batch 16] [--steps 6]      appends to benchmarks/results/scaling.csv
//
// Times are processor time of all threads as a share of the step: other programs on the machine disturb them little.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { architectureSchema } from '@crosscheck/contract';
import { createAdamW, createModel } from '@crosscheck/engine';
import { defaultDropout } from '@crosscheck/network';
import { describeTensorflow, tf } from '@crosscheck/tensorflow';
import { readCommandLine } from '../command-line.ts';
import { describeMachine } from '../machine.ts';
import { appendRows, median } from '../results.ts';
import { openSamples, takeBatch, writeSamples } from '../training/samples.ts';

const help = 'Measures when in a step each gradient is there.\n\n  pnpm bench:scaling [--batch 16] [--steps 6]\n';
const given = readCommandLine(help, { batch: '16', steps: '6' });
const options = { batch: Number(given.batch), steps: Number(given.steps) };

interface Measured {
  /** Parameter → share of the step after which its gradient is there. */
  readyAt: Map<string, number>;
  /** Share of the step after which all gradients are there; the rest clips and updates. */
  updateFrom: number;
}

const spent = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** Notes when tensors are kept: the engine keeps a gradient when it is made. */
function noteKept<T>(action: (at: ReadonlyMap<number, number>) => T): T {
  const [at, engine] = [new Map<number, number>(), tf.engine()];
  const keep = engine.keep.bind(engine);
  engine.keep = (tensor) => {
    at.set(tensor.id, spent());
    return keep(tensor);
  };
  try {
    return action(at);
  } finally {
    engine.keep = keep;
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'crosscheck-scaling-'));
try {
  writeSamples(folder, options.batch * (options.steps + 1));
  const samples = openSamples(folder);
  const shape = { architecture: architectureSchema.parse({}), dropout: defaultDropout, batchNormMomentum: 0.1 };
  const model = createModel({ ...shape, seed: 0, engine: 'fast' });
  const optimizer = createAdamW({ weightDecay: 0.01 });

  const step = (number: number): Measured =>
    noteKept((keptAt) => {
      const batch = takeBatch(samples, options.batch, number);
      const start = spent();
      const result = model.computeGradients(batch, { seed: number });
      const { gradients } = result;
      const computed = spent();
      const made = [...gradients].map(([name, { id }]) => [name, keptAt.get(id) ?? computed] as const);
      optimizer.step(model.variables, gradients, { learningRate: 2e-5, clipNorm: 1 });
      const whole = spent() - start;
      result.dispose();
      const readyAt = new Map(made.map(([name, at]) => [name, (at - start) / whole]));
      return { readyAt, updateFrom: (computed - start) / whole };
    });

  step(0); // kernels are compiled and memory is taken
  const measured = Array.from({ length: options.steps }, (_, i) => step(i + 1));
  const of = (pick: (one: Measured) => number) => Number(median(measured.map(pick)).toFixed(5));
  const shared = {
    updateFrom: of(({ updateFrom }) => updateFrom),
    batch: options.batch,
    version: describeTensorflow(),
    date: new Date().toISOString(),
    ...describeMachine(),
  };
  const rows = [...model.variables].map(([name, { size }]) => ({
    parameter: name,
    numbers: size,
    readyAt: of(({ readyAt }) => readyAt.get(name) ?? 1),
    ...shared,
  }));
  console.log(`${rows.length} gradients: ${appendRows('scaling', rows)}`);
} finally {
  rmSync(folder, { recursive: true });
}
