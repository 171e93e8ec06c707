// The frozen phase, ours and PyTorch's side by side: `pnpm bench:frozen --help`.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { readCommandLine } from '../command-line.ts';
import { alternate, compare, type Measured } from '../compare.ts';
import { describeMachine, repositoryRoot } from '../machine.ts';
import { findPython } from '../python.ts';
import { appendRows } from '../results.ts';
import { type EngineProcess, startEngine } from '../training/engine-process.ts';
import { makePosts } from './posts.ts';

const help = `Usage: pnpm bench:frozen [options]

Epochs of both backbones frozen, pictures read from files, by our trainer and by PyTorch as the original trains and tuned. The first epoch and
the later ones are told apart; a second run of ours finds the features of the first one.

  --posts N      (192)
  --epochs N     measured epochs after the first one (2)
  --batch N      (16)
  --workers N    that decode, on both sides (1)
  --note TEXT    kept with the figures
`;

const values = readCommandLine(help, { posts: '192', epochs: '2', batch: '16', workers: '1', note: '' });
const { batch, workers, note } = values;
const [posts, epochs] = [Number(values.posts), Number(values.epochs)];
const threads = String(availableParallelism());
const machine = describeMachine();
const folder = mkdtempSync(path.join(tmpdir(), 'crosscheck-bench-'));
const script = (file: string) => path.join(repositoryRoot, 'benchmarks', file);

const ours = (run: string): Promise<EngineProcess> =>
  startEngine(
    run,
    [process.execPath, '--conditions=@crosscheck/source', script('frozen/ours.ts'), folder, run, batch, workers],
    process.env,
  );
const torch = (variant: string): Promise<EngineProcess> =>
  startEngine(
    `torch-${variant}`,
    [findPython(), script('peers/frozen.py'), folder, variant, batch, workers, threads],
    process.env,
  );

/** One engine after the other: each has the machine's memory and its caches to itself. */
async function measure(engines: EngineProcess[], numbers: number[], what: string) {
  const results: Measured[] = await alternate(engines, numbers);
  return { what, results };
}

try {
  await makePosts(folder, posts);
  const engines = [await ours('ours'), await torch('original'), await torch('tuned')];
  const parts = [
    await measure(engines, [0], 'first epoch'),
    await measure(
      engines,
      Array.from({ length: epochs }, (_, i) => i + 1),
      'later epochs',
    ),
  ];
  const peaks = new Map<string, number>();
  for (const engine of engines) peaks.set(engine.name, await engine.end());
  const second = await ours('ours-second-run');
  parts.push(await measure([second], [0], 'first epoch of a second run'));
  peaks.set(second.name, await second.end());
  const facts = { date: new Date().toISOString(), posts, epochs, batch, workers, threads };
  const rows = parts.flatMap(({ what, results }) => {
    const withPeaks = results.map((result) => ({ ...result, peakBytes: peaks.get(result.engine.name) ?? 0 }));
    return compare(withPeaks, posts).map((row) => ({ what, ...row, ...facts, ...machine, note }));
  });
  process.stdout.write(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  process.stdout.write(`appended to ${appendRows('frozen', rows)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
