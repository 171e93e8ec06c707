import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readManifest, type Sample } from '@crosscheck/data';
import { generateDemo } from '@crosscheck/demo';
import { runEntry, temporaryFolder } from '@crosscheck/testkit';
import { stringify } from 'csv-stringify/sync';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AuditSource, auditData, type SplitOptions, splitData } from '../../src/index.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

type Line = { text_content: string; image_path: string; label: number; id: string };

const demo = path.join(dir, 'demo');
let clean: Line[];

beforeAll(async () => {
  await generateDemo({ dir: demo, seed: 21, train: 300, val: 4, test: 4, imageSize: 64 });
  const { samples } = await readManifest({ file: path.join(demo, 'train.csv') });
  mkdirSync(path.join(demo, 'extra'));
  clean = samples.map(({ text, imagePath, label }: Sample, i) => ({
    text_content: text,
    image_path: path.relative(demo, imagePath),
    label: label as number,
    id: `p${i}`,
  }));
});

const at = (i: number) => clean[i] as Line;

/** Copies of all kinds, so many of each: rows, ids, files, recompressed pictures, words, nearly the same words, contradicting labels. */
async function plantCopies(count: number): Promise<Line[]> {
  const lines: Line[] = [];
  for (let i = 0; i < count; i++) {
    const [row, other] = [at(i), at(299 - i)];
    const [copy, near] = [`extra/copy-${i}.jpg`, `extra/near-${i}.jpg`];
    copyFileSync(path.join(demo, row.image_path), path.join(demo, copy));
    await sharp(path.join(demo, row.image_path)).jpeg({ quality: 40 }).toFile(path.join(demo, near));
    lines.push(
      { ...row, id: `again-${i}` },
      { ...row, image_path: near, id: `again-near-${i}` },
      { ...at(count + i), label: 1 - at(count + i).label, id: `contradicts-${i}` },
      { ...other, text_content: `Another report about scene ${i} arrived`, image_path: copy, id: `picture-${i}` },
      { ...other, text_content: `${row.text_content.toUpperCase()}!`, id: `text-${i}` },
      { ...at(100 + i), text_content: `${at(150 + i).text_content} today`, id: `near-text-${i}` },
      { ...at(200 + i), text_content: `One id with two stories, number ${i}`, id: `p${201 + i}` },
    );
  }
  return lines;
}

let outputs = 0;
async function split(lines: readonly Line[], changes: Partial<SplitOptions> = {}) {
  const [file, out] = [path.join(demo, `pool-${outputs}.csv`), path.join(dir, `out-${outputs++}`)];
  writeFileSync(file, stringify([...lines], { header: true }));
  const summary = await splitData({
    files: [file],
    dir: out,
    shares: { train: 0.7, val: 0.15, test: 0.15 },
    seed: 42,
    groupColumns: [],
    stratifyColumns: [],
    nearTexts: true,
    clean: true,
    ...changes,
  });
  return { out, summary };
}

const sourceOf = (rootDir: string): AuditSource => ({
  rootDir,
  files: {},
  imagesDir: null,
  textColumn: 'text_content',
  imageColumn: 'image_path',
  labelColumn: 'label',
});

async function audit(rootDir: string) {
  const report = await auditData({ source: sourceOf(rootDir) });
  return { ...report, broken: report.limits.filter(({ isBroken }) => isBroken).map(({ name }) => name) };
}

describe('what data:split writes breaks no limit of data:audit', () => {
  test('clean posts, by the usual limits', async () => {
    const { out, summary } = await split(clean);
    const { broken, profile } = await audit(out);
    expect([summary.profile, profile, broken]).toEqual(['default', { name: 'default', source: 'split.json' }, []]);
  });

  test.each([2, 12, 40])('posts with %i copies of every kind', async (count) => {
    const { out, summary } = await split([...clean, ...(await plantCopies(count))]);
    const { broken, profile } = await audit(out);
    expect(broken).toEqual([]);
    expect(profile).toEqual({ name: summary.profile, source: 'split.json' });
    expect(summary.unbound).toEqual([]);
  });

  test('so few posts that one of them changes the shares', async () => {
    const { out } = await split(clean.slice(0, 31));
    expect((await audit(out)).broken.filter((name) => name === 'class_gap')).toEqual([]);
  });

  test('the command agrees, and no longer does when a split was changed by hand', async () => {
    const { out } = await split([...clean, ...(await plantCopies(12))]);
    const strict = () => runEntry('packages/curation/src/bin/audit.ts', [`root_dir=${out}`, '--strict']);
    const first = await strict();
    expect([first.code, first.stdout]).toEqual([
      0,
      expect.stringContaining('profile=out_of_context (noted by data:split)'),
    ]);
    const [head, ...rows] = readFileSync(path.join(out, 'train.csv'), 'utf8').trimEnd().split('\n');
    writeFileSync(path.join(out, 'train.csv'), `${[head, ...rows.slice(1)].join('\n')}\n`);
    const second = await strict();
    expect([second.code, second.stdout]).toEqual([1, expect.stringContaining('profile=default (the usual ones)')]);
    expect(second.stdout).toContain('broken: max_duplicate=0.05');
  });
});

describe('out of context: every picture with its own words and with those of others', () => {
  const paired = () =>
    clean.flatMap((row, i) =>
      [0, 7, 31].map((step) => ({
        ...row,
        text_content: at((i + step) % clean.length).text_content,
        label: step === 0 ? 0 : 1,
        id: `${i}-${step}`,
      })),
    );

  test('pictures stay on one side, words are allowed to repeat, and the limits know', async () => {
    const { out, summary } = await split(paired());
    expect(summary).toMatchObject({ profile: 'out_of_context', unbound: ['near_text'] });
    const { broken, limits, profile } = await audit(out);
    expect([broken, profile.name]).toEqual([[], 'out_of_context']);
    const value = (name: string) => limits.find((limit) => limit.name === name);
    expect(value('overlap_picture')).toMatchObject({ value: 0, limit: 0 });
    expect(value('duplicate')).toMatchObject({ limit: null });
    expect(value('duplicate')?.value).toBeGreaterThan(0.9);
  });

  test('the usual limits, asked for, name what they cannot divide', async () => {
    await expect(split(paired(), { profile: 'default' })).rejects.toThrow(/profile=out_of_context/);
  });

  test('pictures that more than ten posts share are kept where that is by design, and by the audit, too', async () => {
    const many = clean.slice(0, 40).flatMap((row, i) =>
      Array.from({ length: 12 }, (_, step) => ({
        ...row,
        text_content: step === 0 ? row.text_content : `${at((i * 7 + step * 20) % 300).text_content} ${step} ${i}`,
        label: step % 2,
        id: `${i}-${step}`,
      })),
    );
    expect((await split(many, { profile: 'out_of_context' })).summary.dropped).toEqual({});
    const { out } = await split(many, { profile: 'out_of_context' });
    expect((await audit(out)).broken).toEqual([]);
  });
});
