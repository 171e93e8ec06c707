import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom } from '@crosscheck/contract';
import { type ManifestRow, readManifest, writeManifestFile } from '@crosscheck/data';
import { generateDemo } from '@crosscheck/demo';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bestCheckpoint } from './support/read-run.ts';
import { shortRun, trainHere } from './support/run-train.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

type Row = Record<string, string>;

const posts = path.join(dir, 'posts');
const trainCsv = path.join(posts, 'train.csv');

/** The cells of a manifest, or of the suspects, whose columns have other names. */
async function readCsv(file: string, columns = {}): Promise<Row[]> {
  const { samples } = await readManifest({ file, labelRequired: false, ...columns });
  return samples.map(({ row }) => row);
}
const readSuspects = (name: string) =>
  readCsv(path.join(dir, name, 'suspects.csv'), { textColumn: 'text', imageColumn: 'image', allowOutsideRoot: true });
const write = (file: string, rows: ManifestRow[]) => writeManifestFile(file, rows);

const entry = 'packages/trainer/src/bin/suspects.ts';
const POSTS = 600;
const FLIPS = 30;

/** Lines of the CSV whose labels are wrong. */
const flipped = new Set<number>();

beforeAll(async () => {
  await generateDemo({ dir: posts, seed: 5, train: POSTS, val: 16, test: 16, imageSize: 64 });
  const rows = await readCsv(trainCsv);
  for (const i of createRandom(9, 'flips')
    .shuffle([...rows.keys()])
    .slice(0, FLIPS)) {
    (rows[i] as Row).label = String(1 - Number(rows[i]?.label));
    flipped.add(i + 2);
  }
  await write(trainCsv, rows);
});

function suspects(name: string, ...overrides: string[]) {
  return runEntry(entry, [...shortRun(posts, dir), `hydra.run.dir=${path.join(dir, name)}`, ...overrides]);
}

// Features of hundreds of posts: more than a minute on a busy machine.
describe('pnpm data:suspects', { timeout: 300_000 }, () => {
  it('names most of the flipped labels first, and changes no label', async () => {
    const before = readFileSync(trainCsv);
    const { code, stdout } = await suspects('a');
    expect(code).toBe(0);
    const named = await readSuspects('a');
    const right = (rows: Row[]) => rows.filter(({ line }) => flipped.has(Number(line))).length;
    expect(right(named) / named.length).toBeGreaterThanOrEqual(0.6); // precision
    expect(right(named) / FLIPS).toBeGreaterThanOrEqual(0.5); // recall
    expect(right(named.slice(0, 10))).toBeGreaterThanOrEqual(8);
    expect(readFileSync(trainCsv).equals(before)).toBe(true);
    expect(stdout).toMatch(/ROC-AUC 0\.\d+ \[0\.\d+, 0\.\d+\] \(0\.5 is a guess\)/);
    expect(stdout).toMatch(/Next: .*No label was changed\n$/);
    const first = named[0] as Row;
    const source = (await readCsv(trainCsv))[Number(first.line) - 2] as Row;
    expect(first).toMatchObject({ rank: '1', file: trainCsv, text: source.text_content });
    expect([first.label, first.suggested_label].toSorted()).toEqual(['FAKE', 'REAL']);
    expect(first.label).toBe(source.label === '1' ? 'FAKE' : 'REAL');
    expect(Number(first.margin)).toBeCloseTo(1 - 2 * Number(first.probability), 5);
    const margins = named.map(({ margin }) => Number(margin));
    expect(margins).toEqual(margins.toSorted((a, b) => a - b));
  });

  it('draws the first ones, and suspects.output_dir, .shown and .folds', async () => {
    const into = path.join(dir, 'elsewhere');
    const { stdout } = await suspects('b', `suspects.output_dir=${into}`, 'suspects.shown=3', 'suspects.folds=3');
    expect(stdout).toContain(`${POSTS} posts judged in 3 folds`);
    const page = readFileSync(path.join(into, 'suspects.html'), 'utf8');
    expect(page.match(/<img src="data:image\/jpeg;base64,/g)).toHaveLength(3);
    expect(page).not.toMatch(/<script|src="(?!data:)/);
    expect(existsSync(path.join(dir, 'b/suspects.csv'))).toBe(false);
  });

  it('suspects.on_chance: labels that nothing explains are not ranked, or with a warning', async () => {
    const rows = await readCsv(trainCsv);
    const random = createRandom(4, 'coins');
    const noise = path.join(posts, 'noise.csv');
    await write(
      noise,
      rows.map((row) => ({ ...row, label: random.int(2) })),
    );
    const refused = await suspects('c', `data.train_file=${noise}`);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('CROSSCHECK_SUSPECTS_AT_CHANCE')]);
    expect(existsSync(path.join(dir, 'c/suspects.csv'))).toBe(false);
    const warned = await suspects('d', `data.train_file=${noise}`, 'suspects.on_chance=warn');
    expect([warned.code, warned.stdout]).toEqual([0, expect.stringContaining('the ranking is noise')]);
  });

  it('suspects.checkpoint brings its backbones, and says when they have learnt these labels', async () => {
    await trainHere([...shortRun(posts, dir), 'training.num_steps=2'], { dir });
    const { stdout } = await suspects('e', `suspects.checkpoint=${bestCheckpoint(path.join(dir, 'checkpoints'))}`);
    expect(stdout).toContain('warning: the checkpoint was trained on these posts');
  });

  it('twins of a post are judged with it', async () => {
    const rows = (await readCsv(trainCsv)).slice(0, 200);
    const twins = path.join(posts, 'twins.csv');
    // In another fold, each copy would tell its flipped label.
    const all = [...rows, ...rows.map((row) => ({ ...row, text_content: `${row.text_content}!` }))];
    await write(twins, all);
    const { code } = await suspects('f', `data.train_file=${twins}`);
    expect(code).toBe(0);
    const named = await readSuspects('f');
    const inBoth = named.filter(({ line }) => named.some((row) => Math.abs(Number(row.line) - Number(line)) === 200));
    expect(inBoth.length / named.length).toBeGreaterThan(0.8);
  });
});
