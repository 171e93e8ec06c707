// How many planted wrong labels pnpm data:suspects finds: `pnpm bench:suspects --help`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createRandom } from '@crosscheck/contract';
import { type ManifestRow, readManifest, writeManifestFile } from '@crosscheck/data';
import { readCommandLine } from '../command-line.ts';
import { repositoryRoot } from '../machine.ts';
import { appendRows } from '../results.ts';

const help = `Usage: pnpm bench:suspects --posts FOLDER [options]

Gives a share of the posts of train.csv the other label, in a temporary copy, runs pnpm data:suspects on it, and says how many of these it names
(recall), how many of those that it names are these (precision), and how many among as many first ones as labels were turned round.

  --posts DIR   with train.csv, as pnpm data:demo writes it
  --images DIR  what its images are relative to (the folder itself)
  --share X     of the labels that are turned round (0.05)
  --seed N      which ones (1)
  --note TEXT   kept with the figures
  --overrides   for pnpm data:suspects, as one text ("model=tiny data=demo")
`;

const { posts, images, share, seed, note, overrides } = readCommandLine(help, {
  posts: null,
  images: null,
  share: '0.05',
  seed: '1',
  note: '',
  overrides: 'model=tiny data=demo',
});
if (posts === null) throw new Error('expected --posts FOLDER; see --help');

/** A copy of the training posts with some labels turned round. @returns their lines */
async function plant(file: string): Promise<Set<number>> {
  const { samples } = await readManifest({
    file: path.join(posts as string, 'train.csv'),
    ...(images !== null && { imagesDir: images }),
  });
  const order = createRandom(Number(seed), 'planted labels').shuffle([...samples.keys()]);
  const chosen = new Set(order.slice(0, Math.round(Number(share) * samples.length)));
  const rows = samples.map(
    ({ text, imagePath, label }, i): ManifestRow => ({
      text_content: text,
      image_path: imagePath,
      label: chosen.has(i) ? 1 - (label as number) : label,
      is_planted: chosen.has(i),
    }),
  );
  await writeManifestFile(file, rows);
  const written = await readManifest({ file });
  return new Set(written.samples.flatMap(({ row, line }) => (row.is_planted === 'true' ? [line] : [])));
}

function findSuspects(file: string, folder: string): string {
  const entry = path.join(repositoryRoot, 'packages/trainer/src/bin/suspects.ts');
  const args = [...overrides.split(' '), `data.train_file=${file}`, 'data.n_rows=-1', `hydra.run.dir=${folder}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--conditions=@crosscheck/source', entry, ...args], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

const folder = mkdtempSync(path.join(tmpdir(), 'crosscheck-suspects-'));
try {
  const file = path.join(folder, 'train.csv');
  const planted = await plant(file);
  const output = findSuspects(file, folder);
  const { samples } = await readManifest({
    file: path.join(folder, 'suspects.csv'),
    textColumn: 'text',
    imageColumn: 'image',
    labelRequired: false,
  });
  const found = samples.map(({ row }) => planted.has(Number(row.line)));
  const count = (list: readonly boolean[]) => list.filter(Boolean).length;
  const row = {
    date: new Date().toISOString().slice(0, 10),
    posts: path.basename(posts),
    overrides,
    planted: planted.size,
    suspects: found.length,
    precision: (count(found) / Math.max(1, found.length)).toFixed(3),
    recall: (count(found) / planted.size).toFixed(3),
    precisionAtPlanted: (count(found.slice(0, planted.size)) / Math.min(planted.size, found.length)).toFixed(3),
    rocAuc: /ROC-AUC ([\d.]+)/.exec(output)?.[1] ?? '',
    note,
  };
  process.stdout.write(`${output}\n${JSON.stringify(row)}\n${appendRows('suspects', [row])}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
