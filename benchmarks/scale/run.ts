// How time and memory grow with the number of posts: `pnpm bench:scale --help`.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generateDemo } from '@crosscheck/demo';
import { readCommandLine } from '../command-line.ts';
import { describeMachine, repositoryRoot } from '../machine.ts';
import { appendRows, type Row } from '../results.ts';

const help = `Usage: pnpm bench:scale [options]

Training on the first so many generated posts, each number and each kind of work in a process of its own, with the small backbones: an epoch of
loading alone, an epoch of the frozen phase with its features, an epoch of fine-tuning.

  --posts a,b,…   (1000,4000,16000)
  --work a,b,…    of loading, frozen, finetune (loading,frozen,finetune)
  --folder DIR    keeps the generated posts for the next time; made in a temporary folder where it is left out
  --note TEXT     kept with the figures
`;

const values = readCommandLine(help, {
  posts: '1000,4000,16000',
  work: 'loading,frozen,finetune',
  folder: null,
  note: '',
});
const counts = values.posts.split(',').map(Number);
const folder = path.resolve(values.folder ?? path.join(tmpdir(), `crosscheck-scale-${process.pid}`));
const machine = describeMachine();
const script = path.join(repositoryRoot, 'benchmarks/scale/ours.ts');

interface Result {
  samples: number;
  openSeconds: number;
  seconds: number;
  cpuSeconds: number;
  peakBytes: number;
}

function measure(what: string, posts: number): Row {
  const args = ['--conditions=@crosscheck/source', script, folder, String(posts), what];
  const result = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Result;
  const row = {
    what,
    posts: result.samples,
    openSeconds: result.openSeconds.toFixed(2),
    seconds: result.seconds.toFixed(2),
    msPerPost: ((1000 * result.seconds) / result.samples).toFixed(3),
    cpuMsPerPost: ((1000 * result.cpuSeconds) / result.samples).toFixed(3),
    peakMb: Math.round(result.peakBytes / 1e6),
  };
  process.stdout.write(`${JSON.stringify(row)}\n`);
  return row;
}

try {
  mkdirSync(folder, { recursive: true });
  const posts = path.join(folder, 'train.csv');
  if (!existsSync(posts)) {
    await generateDemo({ dir: folder, train: Math.max(...counts), val: 100, test: 8, imageSize: 64 });
  }
  const rows = values.work.split(',').flatMap((what) => counts.map((count) => measure(what, count)));
  const facts = { date: new Date().toISOString(), ...machine, note: values.note };
  const file = appendRows(
    'scale',
    rows.map((row) => ({ ...row, ...facts })),
  );
  process.stdout.write(`appended to ${file}\n`);
} finally {
  if (!values.folder) rmSync(folder, { recursive: true, force: true });
}
