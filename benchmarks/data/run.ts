// Pictures from files to augmented batches, ours and torchvision's side by side: `pnpm bench:data --help`.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readCommandLine } from '../command-line.ts';
import { alternate, compare } from '../compare.ts';
import { describeMachine, repositoryRoot } from '../machine.ts';
import { findPython } from '../python.ts';
import { appendRows } from '../results.ts';
import { type EngineProcess, startEngine } from '../training/engine-process.ts';
import { drawPictures } from './pictures.ts';

const help = `Usage: pnpm bench:data [options]

Resize to 224, flip, rotation, colour jitter, normalisation, batches: epochs of the same pictures by our loader, by our loader with its
cache of decoded pictures filled, and by torchvision's transforms in torch's DataLoader, in turn. The first epoch of each is not counted.

  --pictures N   (192)
  --epochs N     measured epochs of each (6)
  --workers N    threads of ours, processes of torch's (2)
  --batch N      (16)
  --note TEXT    kept with the figures
`;

const values = readCommandLine(help, { pictures: '192', epochs: '6', workers: '2', batch: '16', note: '' });
const { batch, workers, note } = values;
const [pictures, epochs] = [Number(values.pictures), Number(values.epochs)];

const machine = describeMachine();
const folder = mkdtempSync(path.join(tmpdir(), 'crosscheck-bench-'));
const script = (file: string) => path.join(repositoryRoot, 'benchmarks', file);
const engines: EngineProcess[] = [];
try {
  const { samples, meanBytes } = await drawPictures(path.join(folder, 'pictures'), pictures);
  const list = path.join(folder, 'samples.json');
  writeFileSync(list, JSON.stringify(samples));
  const ours = (cache: string) => [
    process.execPath,
    '--conditions=@crosscheck/source',
    script('data/ours.ts'),
    list,
    batch,
    workers,
    cache,
  ];
  engines.push(await startEngine('ours', ours('-'), process.env));
  engines.push(await startEngine('ours-cached', ours(path.join(folder, 'cache')), process.env));
  engines.push(
    await startEngine('torchvision', [findPython(), script('peers/loading.py'), list, batch, workers], process.env),
  );
  for (const engine of engines) await engine.step(0);
  const results = await alternate(
    engines,
    Array.from({ length: epochs }, (_, i) => i + 1),
  );
  for (const result of results) result.peakBytes = await result.engine.end();
  const facts = { date: new Date().toISOString(), pictures, meanBytes: Math.round(meanBytes), epochs, batch, workers };
  const rows = compare(results, pictures).map((row) => ({ ...row, ...facts, ...machine, note }));
  process.stdout.write(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  process.stdout.write(`appended to ${appendRows('data', rows)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
