// Speed and memory of `pnpm infer` over a file, beside the original's loop: `pnpm bench:infer --help`.
import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { readCommandLine } from '../command-line.ts';
import { describeMachine, repositoryRoot } from '../machine.ts';
import { findPython } from '../python.ts';
import { appendRows } from '../results.ts';
import { type Models, makeModels } from '../serving/models.ts';
import { readPosts } from '../serving/posts.ts';
import { peakMemory } from '../serving/process-memory.ts';

const help = `Usage: pnpm bench:infer [options]

Judges a CSV of posts (1024×768 JPEGs, texts as long as titles) with ours in fp32 and int8, and with the original's loop.

  --rows N       of the shorter file; memory is compared with a file four times as long (400)
  --peer-rows N  for the original's loop (40)
  --note TEXT    kept with the figures
`;

interface Options {
  rows: number;
  peerRows: number;
  note: string;
}

function readOptions(): Options {
  const values = readCommandLine(help, { rows: '400', 'peer-rows': '40', note: '' });
  return { rows: Number(values.rows), peerRows: Number(values['peer-rows']), note: values.note };
}

interface Scored {
  program: string;
  rows: number;
  rowsPerSecond: number;
  peakMb: number | '';
}

function writeCsv({ posts }: Models, rows: number): string {
  const all = readPosts(posts);
  const lines = Array.from({ length: rows }, (_, i) => all[i % all.length]).map(
    (post) => `${post?.image},${post?.text}`,
  );
  const file = path.join(posts, `rows-${rows}.csv`);
  writeFileSync(file, `image_path,text_content\n${lines.join('\n')}\n`);
  return file;
}

/** From the start of the command to its end. */
async function scoreOurs(models: Models, precision: 'fp32' | 'int8', rows: number): Promise<Scored> {
  const settings = {
    'inference.mode': 'batch',
    'inference.checkpoint.path': models[precision],
    'inference.batch.csv_file': writeCsv(models, rows),
    'inference.batch.output_file': path.join(models.posts, 'judged.csv'),
    'inference.batch.root_dir': 'null',
    'inference.batch.n_rows': '-1',
    'inference.output.verbose': 'false',
    'hydra.run.dir': path.join(models.posts, '../run'),
  };
  const entry = path.join(repositoryRoot, 'packages/inference/src/bin/infer.ts');
  const overrides = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--conditions=@crosscheck/source', entry, ...overrides], {
    cwd: repositoryRoot,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const memory = peakMemory(child);
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`infer ended with ${code}`);
  const seconds = (performance.now() - startedAt) / 1000;
  return { program: `ours-${precision}`, rows, rowsPerSecond: rows / seconds, peakMb: memory.peakMb() };
}

/** The loop alone, after the model is loaded. */
async function scoreOriginal(models: Models, rows: number): Promise<Scored> {
  const script = path.join(repositoryRoot, 'benchmarks/peers/inference_original.py');
  const args = [script, path.join(models.peers, '../checkpoint.safetensors'), models.peers, writeCsv(models, rows)];
  const { stdout } = await promisify(execFile)(findPython(), args);
  return { program: 'original', rows, rowsPerSecond: Number(stdout), peakMb: '' };
}

const { rows, peerRows, note } = readOptions();
const models = await makeModels((message) => process.stderr.write(`${message}\n`));
const machine = describeMachine();
const original = await scoreOriginal(models, peerRows);
const scored = [original];
for (const precision of ['fp32', 'int8'] as const)
  for (const count of [rows, 4 * rows]) scored.push(await scoreOurs(models, precision, count));
const facts = { date: new Date().toISOString(), ...machine, note };
const figures = scored.map(({ rowsPerSecond, ...others }) => ({
  ...others,
  rowsPerSecond: rowsPerSecond.toFixed(2),
  timesTheOriginal: (rowsPerSecond / original.rowsPerSecond).toFixed(2),
}));
process.stdout.write(`${figures.map((row) => JSON.stringify(row)).join('\n')}\n`);
const file = appendRows(
  'scoring',
  figures.map((row) => ({ ...row, ...facts })),
);
process.stdout.write(`appended to ${file}\n`);
process.exit();
