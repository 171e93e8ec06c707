// JPEG → 224 × 224, ours and Pillow's side by side: `pnpm bench:decode --help`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeImage } from '@crosscheck/preprocess';
import { readCommandLine } from '../command-line.ts';
import { alternate, compare } from '../compare.ts';
import { describeMachine, repositoryRoot } from '../machine.ts';
import { findPython } from '../python.ts';
import { appendRows } from '../results.ts';
import { readPosts, writePosts } from '../serving/posts.ts';
import { type EngineProcess, startEngine } from '../training/engine-process.ts';

const help = `Usage: pnpm bench:decode [options]

Decodes the pictures of bench:serve (JPEG of 1024×768, 150 kB) to 224×224 in one thread: straight, by sharp with our resampling, and by Pillow;
and says how far the straight ones are from Pillow's.

  --turns N     (9)
  --rounds N    of the 16 pictures, each turn (4)
  --note TEXT   kept with the figures
`;

const size = 224;
const { turns, rounds, note } = readCommandLine(help, { turns: '9', rounds: '4', note: '' });

/** How far values are from Pillow's, in 255ths. */
async function differences(images: readonly string[], expected: string) {
  const all: number[] = [];
  for (const [number, image] of images.entries()) {
    const theirs = readFileSync(path.join(expected, `${number}.rgb`));
    const ours = await decodeImage(image, { size });
    for (const [i, value] of ours.entries()) all.push(Math.abs(value - (theirs[i] as number)));
  }
  const sorted = Uint8Array.from(all).sort();
  const mean = all.reduce((sum, d) => sum + d, 0) / all.length;
  return { meanDifference: mean.toFixed(3), percentile999: sorted[Math.ceil(0.999 * sorted.length) - 1] as number };
}

const folder = mkdtempSync(path.join(tmpdir(), 'crosscheck-decode-'));
const script = (file: string) => path.join(repositoryRoot, 'benchmarks', file);
try {
  await writePosts(folder);
  const list = path.join(folder, 'posts.json');
  const images = [...new Set(readPosts(folder).map(({ image }) => image))];
  const ours = (way: string) => [
    process.execPath,
    '--conditions=@crosscheck/source',
    script('decode/ours.ts'),
    list,
    String(size),
    way,
  ];
  const engines: EngineProcess[] = [
    await startEngine('ours', ours('direct'), process.env),
    await startEngine('ours-exact', ours('exact'), process.env),
    await startEngine('pillow', [findPython(), script('peers/decoding.py'), list, String(size), folder], process.env),
  ];
  for (const engine of engines) await engine.step(Number(rounds));
  const results = await alternate(
    engines,
    Array.from({ length: Number(turns) }, () => Number(rounds)),
  );
  for (const result of results) result.peakBytes = await result.engine.end();
  const facts = { date: new Date().toISOString(), turns, rounds, ...(await differences(images, folder)) };
  const rows = compare(results, images.length * Number(rounds)).map((row) => ({ ...row, ...facts }));
  process.stdout.write(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  const machine = describeMachine();
  process.stdout.write(
    `appended to ${appendRows(
      'decode',
      rows.map((row) => ({ ...row, ...machine, note })),
    )}\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
