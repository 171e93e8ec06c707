// From stamps to posts: REAL is a picture with its own caption, FAKE the same picture with the caption of another stamp.
import path from 'node:path';
import { createRandom, type Random } from '@crosscheck/contract';
import { type ManifestRow, writeManifestFile } from '@crosscheck/data';
import type { Stamp } from './stamps.ts';

/** Where a false caption comes from: a stamp of another kind (easy), or one of the same kind (hard). */
export const difficulties = ['easy', 'hard'] as const;
export type Difficulty = (typeof difficulties)[number];

export const splitCount = 5;
const parts = 2 * splitCount;

export type Split = 'train' | 'val' | 'test';

/**
 * One of five divisions: 70 % of the stamps to learn from, 10 % to choose and calibrate on, 20 % to judge; over all five every stamp is judged
 * once. Each kind is divided alike.
 */
export function divide(stamps: readonly Stamp[], split: number): Record<Split, Stamp[]> {
  const random = createRandom('real bench', 'splits');
  const divided: Record<Split, Stamp[]> = { train: [], val: [], test: [] };
  const byKind = random.shuffle([...stamps]).toSorted((a, b) => a.kind.localeCompare(b.kind));
  for (const [i, stamp] of byKind.entries()) divided[placeOf((i - 2 * split + 2 * parts) % parts)].push(stamp);
  return divided;
}

const placeOf = (part: number): Split => (part < 2 ? 'test' : part < 3 ? 'val' : 'train');

/** A picture with a caption: its own (0 = REAL) or another stamp's (1 = FAKE). */
export interface Pair {
  image: Stamp;
  text: Stamp;
  label: 0 | 1;
}

/**
 * Every stamp with its own caption and with that of another one, so that each picture and each caption is as often REAL as FAKE and neither
 * alone says anything. @param rounds how often, with other captions each time
 */
// oxlint-disable-next-line max-params -- of which stamps, how, how often, drawn from what
export function pair(stamps: readonly Stamp[], difficulty: Difficulty, rounds: number, random: Random): Pair[] {
  const pairs = Array.from({ length: rounds }, () =>
    swaps[difficulty](stamps, random).flatMap(([image, other]): Pair[] => [
      { image, text: image, label: 0 },
      { image, text: other, label: 1 },
    ]),
  );
  return random.shuffle(pairs.flat());
}

/** The posts of one part of a division, the same in every run. */
export function postsOf(stamps: readonly Stamp[], { difficulty, split, rounds }: Recipe, part: Split): Pair[] {
  const random = createRandom('real bench', difficulty, split, part);
  return pair(divide(stamps, split)[part], difficulty, part === 'train' ? rounds : 1, random);
}

type Swap = (stamps: readonly Stamp[], random: Random) => [Stamp, Stamp][];

const swaps: Record<Difficulty, Swap> = {
  /** All in a row, kind by kind, turned by at least the largest kind and at most all but it. */
  easy(stamps, random) {
    const kinds = groupByKind(random.shuffle([...stamps]));
    const largest = Math.max(...kinds.map(({ length }) => length));
    const choices = stamps.length - 2 * largest + 1;
    if (choices < 1) throw new Error(`expected no kind of more than half of ${stamps.length} stamps, got ${largest}`);
    return turn(kinds.flat(), largest + random.int(choices));
  },
  /** Each kind turned by itself; a stamp that is alone in its kind has nobody to swap with and is left out. */
  hard: (stamps, random) =>
    groupByKind(random.shuffle([...stamps]))
      .filter(({ length }) => length > 1)
      .flatMap((kind) => turn(kind, 1 + random.int(kind.length - 1))),
};

const groupByKind = (stamps: readonly Stamp[]): Stamp[][] =>
  Object.values(Object.groupBy(stamps, ({ kind }) => kind)) as Stamp[][];

const turn = (stamps: readonly Stamp[], by: number): [Stamp, Stamp][] =>
  stamps.map((stamp, i) => [stamp, stamps[(i + by) % stamps.length] as Stamp]);

export interface Recipe {
  difficulty: Difficulty;
  split: number;
  /** Rounds of training posts; the other parts have one. */
  rounds: number;
}

/** Writes train.csv, val.csv and test.csv. @returns how many posts each has */
export async function writePosts(
  folder: string,
  stamps: readonly Stamp[],
  recipe: Recipe,
): Promise<Record<Split, number>> {
  const counts = { train: 0, val: 0, test: 0 };
  for (const part of ['train', 'val', 'test'] as const) {
    const rows = postsOf(stamps, recipe, part).map(({ image, text, label }): ManifestRow => {
      return { text_content: text.caption, image_path: image.image, label, kind: image.kind };
    });
    await writeManifestFile(path.join(folder, `${part}.csv`), rows);
    counts[part] = rows.length;
  }
  return counts;
}
