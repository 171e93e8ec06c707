import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom } from '@crosscheck/contract';
import { readManifest, type Sample } from '@crosscheck/data';
import { generateDemo } from '@crosscheck/demo';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { stringify } from 'csv-stringify/sync';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findOverlap, type SplitOptions, splitData } from '../src/index.ts';
import { assignGroups } from '../src/split/assign-groups.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const demo = path.join(dir, 'demo');
/** Demo posts with authors, and with copies: of words, of pictures, of whole posts, recompressed, contradicting, broken. */
const file = path.join(dir, 'posts.csv');
let lines: (string | number)[][];
const header = ['text_content', 'image_path', 'label', 'author', 'id'];

beforeAll(async () => {
  await generateDemo({ dir: demo, seed: 11, train: 240, val: 4, test: 4, imageSize: 64 });
  const { samples } = await readManifest({ file: path.join(demo, 'train.csv') });
  const random = createRandom(1);
  const image = (i: number) => path.relative(dir, (samples[i] as Sample).imagePath);
  lines = samples.map(({ text, label }, i) => [
    text,
    image(i),
    label as number,
    i < 200 ? `author ${random.int(40)}` : '',
    `p${i}`,
  ]);
  const row = (i: number) => lines[i] as (string | number)[];
  mkdirSync(path.join(dir, 'extra'));
  for (let i = 0; i < 10; i++) {
    lines.push([`${row(i)[0]}!`, image(100 + i), row(i)[2] as number, '', `text-${i}`]);
    copyFileSync(path.join(dir, image(20 + i)), path.join(dir, `extra/copy-${i}.jpg`));
    lines.push([`Other words about scene number ${i} entirely`, `extra/copy-${i}.jpg`, 1, '', `picture-${i}`]);
    writeFileSync(
      path.join(dir, `extra/near-${i}.jpg`),
      await sharp(path.join(dir, image(40 + i)))
        .jpeg({ quality: 40 })
        .toBuffer(),
    );
    lines.push([`Something else is told about this one ${i}`, `extra/near-${i}.jpg`, 0, '', `near-${i}`]);
    lines.push([...row(60 + i).slice(0, 4), `again-${i}`]);
    lines.push([
      row(80 + i)[0] as string,
      row(80 + i)[1] as string,
      1 - (row(80 + i)[2] as number),
      '',
      `contradicts-${i}`,
    ]);
  }
  writeFileSync(path.join(dir, 'extra/broken.jpg'), readFileSync(path.join(dir, image(0))).subarray(0, 500));
  lines.push(
    ['A broken picture', 'extra/broken.jpg', 0, '', 'broken'],
    ['Nothing there', 'extra/none.jpg', 0, '', 'none'],
  );
  writeFileSync(file, stringify([header, ...lines]));
});

let outputs = 0;
async function split(changes: Partial<SplitOptions> = {}) {
  const out = path.join(dir, `out-${outputs++}`);
  const summary = await splitData({
    files: [file],
    dir: out,
    shares: { train: 0.8, val: 0.1, test: 0.1 },
    seed: 42,
    groupColumns: [],
    stratifyColumns: [],
    nearTexts: false,
    clean: true,
    ...changes,
  });
  const names = Object.keys(summary.splits);
  const read = async (name: string) => (await readManifest({ file: path.join(out, `${name}.csv`) })).samples;
  const samples = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await read(name)] as const)));
  const sideOf = new Map(
    Object.entries(samples).flatMap(([name, rows]) => rows.map(({ row }) => [row.id as string, name])),
  );
  return { out, summary, samples, sideOf };
}

describe('the splits', () => {
  test('copies of words or pictures, recompressed ones too, stay on one side', async () => {
    const { sideOf, samples } = await split();
    for (let i = 0; i < 10; i++) {
      expect(sideOf.get(`text-${i}`)).toBe(sideOf.get(`p${i}`));
      expect(sideOf.get(`picture-${i}`)).toBe(sideOf.get(`p${20 + i}`));
      expect(sideOf.get(`near-${i}`)).toBe(sideOf.get(`p${40 + i}`));
    }
    expect(await findOverlap(samples)).toEqual({ posts: [], pictures: [], texts: [] });
  });

  test('have the sizes asked for, with labels divided evenly', async () => {
    const { summary } = await split();
    const rows = Object.values(summary.splits).reduce((sum, one) => sum + one.rows, 0);
    const fake = Object.values(summary.splits).reduce((sum, { byLabel }) => sum + (byLabel.FAKE as number), 0) / rows;
    for (const [name, share] of [
      ['train', 0.8],
      ['val', 0.1],
      ['test', 0.1],
    ] as const) {
      const { rows: mine, byLabel } = summary.splits[name] as (typeof summary.splits)[string];
      expect(Math.abs(mine - share * rows)).toBeLessThanOrEqual(2);
      expect(Math.abs((byLabel.FAKE as number) / mine - fake)).toBeLessThan(0.03);
    }
  });

  test('leave out broken, contradicting and repeated posts, and say why', async () => {
    const { summary, sideOf, out } = await split();
    expect(summary.dropped).toEqual({
      unusable: 1,
      'unreadable picture': 1,
      'contradicting labels': 20,
      'repeated post': 10,
    });
    for (let i = 0; i < 10; i++) {
      expect([sideOf.has(`again-${i}`), sideOf.has(`p${60 + i}`)]).toEqual([false, true]);
      expect([sideOf.has(`contradicts-${i}`), sideOf.has(`p${80 + i}`)]).toEqual([false, false]);
    }
    const dropped = readFileSync(path.join(out, 'dropped.csv'), 'utf8').trimEnd().split('\n');
    expect(dropped).toHaveLength(1 + 32);
    expect(dropped[0]).toBe('file,line,reason,detail');
  });

  test('with clean=false every row that can be read is in one of them', async () => {
    const { sideOf } = await split({ clean: false });
    expect(sideOf.size).toBe(lines.length - 1);
  });

  test('a chosen column binds rows, blank values bind nothing', async () => {
    const { sideOf, summary } = await split({ groupColumns: ['author'] });
    const sides = new Map<string, Set<string | undefined>>();
    for (const [, , , author, id] of lines) {
      if (author === '' || !sideOf.has(String(id))) continue;
      sides.set(String(author), (sides.get(String(author)) ?? new Set()).add(sideOf.get(String(id))));
    }
    expect(sides.size).toBe(40);
    for (const names of sides.values()) expect(names.size).toBe(1);
    expect(summary.largestGroup).toBeLessThan(80);
  });

  test('are the same for the same seed and posts in any order, and others for another seed', async () => {
    const shuffled = path.join(dir, 'shuffled.csv');
    writeFileSync(shuffled, stringify([header, ...createRandom(2).shuffle([...lines])]));
    const sides = ({ sideOf }: { sideOf: Map<string, string> }) =>
      [...sideOf].flatMap(([id, side]) => (/^(p6|again)/.test(id) ? [] : [`${id} ${side}`])).sort();
    const [first, again, reordered, other] = [
      await split(),
      await split(),
      await split({ files: [shuffled] }),
      await split({ seed: 43 }),
    ];
    expect(sides(again)).toEqual(sides(first));
    expect(sides(reordered)).toEqual(sides(first));
    expect(sides(other)).not.toEqual(sides(first));
    const hashes = (run: typeof first) => Object.values(run.summary.splits).map(({ sha256 }) => sha256);
    expect(hashes(again)).toEqual(hashes(first));
  });

  test('every file is recorded with its hash, and every picture with its own', async () => {
    const { summary, out, samples } = await split();
    const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect(JSON.parse(readFileSync(path.join(out, 'split.json'), 'utf8'))).toEqual(summary);
    expect(summary.sources[0]?.sha256).toBe(sha256(readFileSync(file)));
    for (const [name, { sha256: hash }] of Object.entries(summary.splits)) {
      expect(hash).toBe(sha256(readFileSync(path.join(out, `${name}.csv`))));
    }
    for (const { row, imagePath } of samples.test ?? []) expect(row.image_sha256).toBe(sha256(readFileSync(imagePath)));
  });
});

test('groups of any size and mixture come close to the shares', () => {
  const random = createRandom(9);
  const groups = Array.from({ length: 900 }, (_, i) => ({
    key: `g${i}`,
    sizes: new Map([
      ['0', random.int(4)],
      ['1', 1 + random.int(i % 50 === 0 ? 30 : 3)],
    ]),
  }));
  const names = assignGroups(groups, { train: 0.7, val: 0.2, test: 0.1 }, 1);
  for (const stratum of ['0', '1']) {
    const count = (wanted: (name: string) => boolean) =>
      groups.reduce((sum, { sizes }, i) => sum + (wanted(names[i] as string) ? (sizes.get(stratum) as number) : 0), 0);
    const share = (name: string) => count((one) => one === name) / count(() => true);
    expect(share('train')).toBeCloseTo(0.7, 1);
    expect(share('val')).toBeCloseTo(0.2, 1);
    expect(share('test')).toBeCloseTo(0.1, 1);
  }
});

test('overlap: the same post, the same picture under another name, the same words', async () => {
  const { samples } = await readManifest({ file: path.join(demo, 'train.csv') });
  const [a, b, c, d] = samples as [Sample, Sample, Sample, Sample];
  copyFileSync(b.imagePath, path.join(dir, 'copy-of-b.jpg'));
  const test = [
    { ...a, text: `${a.text.toUpperCase()}.` },
    { ...b, imagePath: path.join(dir, 'copy-of-b.jpg'), text: 'New words' },
    { ...c, imagePath: d.imagePath },
  ];
  const { posts, pictures, texts } = await findOverlap({ train: [a, b, c], test });
  expect(posts.map((rows) => rows.map(({ line }) => line))).toEqual([[a.line, a.line]]);
  expect(pictures.map((rows) => rows[0]?.line)).toEqual([a.line, b.line]);
  expect(texts.map((rows) => rows[0]?.line)).toEqual([a.line, c.line]);
});

describe('the command', () => {
  const entry = 'packages/curation/src/bin/split.ts';

  test('says what it did', async () => {
    const { code, stdout } = await runEntry(entry, [
      `files=${file}`,
      `dir=${dir}/cli`,
      'train=0.5',
      'val=0.5',
      'test=0',
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/train +\d+ posts in \d+ groups: \d+ REAL, \d+ FAKE; sha256 [0-9a-f]{12}/);
    expect(stdout).toContain('20 contradicting labels');
    expect(stdout).not.toContain('test ');
  });

  test.each([
    [['train=0.9'], 2, 'CROSSCHECK_DATA_BAD_OPTION: expected shares that add up to 1'],
    [['group_column=autor'], 1, 'nearest: "author"'],
    [['files=', 'dir=x'], 2, 'CROSSCHECK_DATA_BAD_OPTION'],
  ])('%j is explained', async (args, exitCode, message) => {
    const { code, stderr } = await runEntry(entry, [`files=${file}`, `dir=${dir}/wrong`, ...args]);
    expect([code, stderr]).toEqual([exitCode, expect.stringContaining(message)]);
  });

  test('never overwrites its input', async () => {
    const before = readFileSync(path.join(demo, 'train.csv'), 'utf8');
    const { stderr } = await runEntry(entry, [`root_dir=${demo}`, `dir=${demo}`]);
    expect(stderr).toContain('CROSSCHECK_DATA_SPLIT_OVERWRITES');
    expect(readFileSync(path.join(demo, 'train.csv'), 'utf8')).toBe(before);
  });
});
