import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom, type LabelId, type Random } from '@crosscheck/contract';
import { renderScene, sceneKinds } from '@crosscheck/demo';
import { stringify } from 'csv-stringify/sync';
import sharp, { type Sharp } from 'sharp';
import type { FindingKind } from '../../src/index.ts';

/** How often every kind of fault is planted, at least. */
export const PLANTED = 24;

interface Row {
  split: string;
  text: string;
  image: string;
  label: string;
  id?: string;
  /** Of Fakeddit's kind, and against its label. */
  isInverted?: boolean;
}

export interface PlantedSet {
  /** Rows that belong together, by what should be found; a row is `split:line`. */
  groups: Record<FindingKind, string[][]>;
  words: { word: string; label: LabelId }[];
  leakingColumns: string[];
  innocentColumns: string[];
}

const splits = ['train', 'val', 'test'] as const;
const each = Array.from({ length: PLANTED }, (_, n) => n);
const label = (n: number) => String(n % 2);
const other = (name: string) => String(1 - Number(name));

const syllables = ['ba', 'ko', 'ri', 'tu', 'me', 'na', 'so', 'vi', 'lem', 'dar', 'pis', 'gol'];
const lexicon = Array.from({ length: 900 }, (_, i) =>
  [i % 12, Math.floor(i / 12) % 12, Math.floor(i / 144)].map((part) => syllables[part]).join(''),
);

/** Rows and pictures while they grow, and what was planted among them. */
function openGarden(dir: string, random: Random) {
  const rows: Row[] = [];
  const planted = new Map<FindingKind, Row[][]>();
  let pictures = 0;
  for (const split of splits) mkdirSync(path.join(dir, 'images', split), { recursive: true });
  const kindOfScene = () => sceneKinds[random.int(sceneKinds.length)] as (typeof sceneKinds)[number];
  const sentence = () =>
    random
      .shuffle([...lexicon])
      .slice(0, 10 + random.int(7))
      .join(' ');
  const draw = () => renderScene(kindOfScene(), random, 96);
  const save = (split: string, bytes: Buffer) => {
    const image = `images/${split}/${pictures++}.jpg`;
    writeFileSync(path.join(dir, image), bytes);
    return image;
  };
  const add = (row: Row) => {
    rows.push(row);
    return row;
  };
  const plant = (kind: FindingKind, ...group: Row[]) => {
    planted.set(kind, [...(planted.get(kind) ?? []), group]);
  };
  /** A row with nothing wrong, but for what is given. */
  const grow = async (split: string, given: { text?: string; label?: string; bytes?: Buffer } = {}) => {
    const { text = sentence(), label: of = label(rows.length), bytes = await draw() } = given;
    return add({ split, text, label: of, image: save(split, bytes) });
  };
  const file = (image: string) => path.join(dir, image);
  return { dir, random, rows, planted, sentence, draw, add, plant, grow, file };
}

type Garden = ReturnType<typeof openGarden>;

/** Rows that are faulty by themselves. */
async function plantSingles(garden: Garden): Promise<void> {
  const { grow, plant, add, sentence, draw, random } = garden;
  for (const n of each) {
    plant('unusable_row', await grow('train', { label: n % 2 ? '2' : '' }));
    plant(
      'missing_picture',
      add({ split: 'train', text: sentence(), image: `images/train/gone-${n}.jpg`, label: label(n) }),
    );
    const broken = n % 2 ? (await draw()).subarray(0, 700) : Buffer.from('<!doctype html><title>Not here</title>');
    plant('unreadable_picture', await grow('val', { bytes: broken }));
    plant(
      'tiny_picture',
      await grow('train', {
        bytes: await sharp(await draw())
          .resize(20, 14)
          .jpeg()
          .toBuffer(),
      }),
    );
    const background = { r: random.int(256), g: random.int(256), b: random.int(256) };
    const flat = await sharp({ create: { width: 90, height: 60, channels: 3, background } })
      .jpeg()
      .toBuffer();
    plant('flat_picture', await grow('train', { bytes: flat }));
    const inverted = await grow('train');
    inverted.isInverted = true;
    plant('label_meaning', inverted);
    for (const [kind, split] of [
      ['overlap_id', 'test'],
      ['duplicate_id', 'train'],
    ] as const) {
      const [first, second] = [await grow('train'), await grow(split)];
      first.id = second.id = `${kind} ${n}`;
      plant(kind, first, second);
    }
    plant('blank_text', await grow('train', { text: n % 2 ? '' : '  ' }));
  }
  const removed = await sharp(await draw())
    .resize(161, 81, { fit: 'fill' })
    .png({ palette: true, colours: 4 })
    .toBuffer();
  const shared = await draw();
  for (const n of each)
    plant('placeholder_picture', await grow(splits[n % 3] as string, { bytes: n % 2 ? shared : removed }));
}

const variants: ((picture: Sharp, width: number, height: number) => Sharp)[] = [
  (picture) => picture.jpeg({ quality: 35 }),
  (picture, width) => picture.resize(Math.round(width * 0.6)).jpeg(),
  (picture, width) => picture.resize(Math.round(width * 1.8)).png(),
  (picture) => picture.modulate({ brightness: 1.12 }).jpeg(),
  (picture, width, height) => picture.extract({ left: 2, top: 1, width: width - 3, height: height - 3 }).jpeg(),
  (picture) => picture.gamma(1.3).jpeg(),
];

async function lookalike(file: string, n: number): Promise<Buffer> {
  const { width, height } = await sharp(file).metadata();
  return (variants[n % variants.length] as (typeof variants)[0])(sharp(file), width, height).toBuffer();
}

function dressed(text: string, n: number): string {
  return [text.toUpperCase(), `${text}!!!`, text.replaceAll(' ', '  '), `"${text}" https://example.org/${n}`][
    n % 4
  ] as string;
}

function reworded(text: string, n: number): string {
  return text
    .split(' ')
    .with(n % 9, 'another')
    .join(' ');
}

/** Pairs that are alike in one thing, within train and across splits, and pairs with contradicting labels. */
async function plantTwins(garden: Garden): Promise<void> {
  const { grow, plant, add, file } = garden;
  for (const n of each) {
    const of = String((n >> 1) % 2);
    for (const split of ['train', n % 2 ? 'val' : 'test']) {
      const prefix = split === 'train' ? 'duplicate' : 'overlap';
      const first = () => grow('train', { label: of });
      const [a, b, c, d] = [await first(), await first(), await first(), await first()];
      plant(`${prefix}_picture`, a, await grow(split, { label: of, bytes: readFileSync(file(a.image)) }));
      plant(`${prefix}_near_picture`, b, await grow(split, { label: of, bytes: await lookalike(file(b.image), n) }));
      plant(`${prefix}_text`, c, await grow(split, { label: of, text: dressed(c.text, n) }));
      plant(`${prefix}_near_text`, d, await grow(split, { label: of, text: reworded(d.text, n) }));
    }
    const first = await grow('train', { label: of });
    const twin = add({ ...first, label: other(of) });
    for (const kind of ['label_conflict', 'duplicate_picture', 'duplicate_text'] as const) plant(kind, first, twin);
  }
}

/** Words that only posts of one class hold. */
function plantWords({ rows, planted, random }: Garden): PlantedSet['words'] {
  const taken = new Set([...planted.values()].flat(2));
  const words = each.map((n) => ({ word: `tell${lexicon[n]}`, label: (n % 2) as LabelId }));
  for (const { word, label: of } of words) {
    const free = rows.filter((row) => !taken.has(row) && row.label === String(of));
    for (const row of random.shuffle(free).slice(0, 26)) row.text = `${word} ${row.text}`;
  }
  return words;
}

const leakingColumns = each.map((n) => `leak_${n}`);
const innocentColumns = each.map((n) => `innocent_${n}`);

/** Writes the manifests, rows in random order, and says where each row came to stand. */
function writeSplits({ dir, rows, random }: Garden): Map<Row, string> {
  const leak = (of: string, n: number) => {
    const seen = random.next() < 0.08 ? other(of) : of;
    return [seen === '1' ? 'satire' : 'news', Number(seen) * 50 + random.int(60), `r/${seen}${random.int(9)}`][n % 3];
  };
  const innocent = (n: number) => (n % 2 ? random.int(1000) : `group ${random.int(12)}`);
  const places = new Map<Row, string>();
  for (const split of splits) {
    const mine = random.shuffle(rows.filter((row) => row.split === split));
    for (const [i, row] of mine.entries()) places.set(row, `${split}:${i + 2}`);
    const lines = mine.map((row) => [
      row.text,
      row.image,
      row.label,
      row.id ?? `post ${rows.indexOf(row)}`,
      row.isInverted ? row.label : other(row.label),
      ...each.map((n) => leak(row.label, n)),
      ...each.map(innocent),
    ]);
    const header = ['text_content', 'image_path', 'label', 'id', '2_way_label', ...leakingColumns, ...innocentColumns];
    writeFileSync(path.join(dir, `${split}.csv`), stringify([header, ...lines]));
  }
  return places;
}

/** Clean posts with random words and drawn pictures, then every kind of fault, into `dir`. */
export async function plantFaults(
  dir: string,
  seed: number,
  sizes = { train: 420, val: 120, test: 120 },
): Promise<PlantedSet> {
  const garden = openGarden(dir, createRandom(seed, 'planted'));
  for (const split of splits) for (let i = 0; i < sizes[split]; i++) await garden.grow(split);
  await plantSingles(garden);
  await plantTwins(garden);
  const words = plantWords(garden);
  const places = writeSplits(garden);
  const place = (group: Row[]) => group.map((row) => places.get(row) as string).sort();
  const groups = Object.fromEntries([...garden.planted].map(([kind, found]) => [kind, found.map(place)]));
  return { groups: groups as PlantedSet['groups'], words, leakingColumns, innocentColumns };
}
