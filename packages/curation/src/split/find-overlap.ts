import { open, stat } from 'node:fs/promises';
import type { Sample } from '@crosscheck/data';
import { forEachConcurrently, sha256Of } from '@crosscheck/files';
import { normalizeText } from '../fingerprint/normalize-text.ts';

/** Rows of different splits that are the same in something. */
export interface Overlap {
  /** The same picture with the same words. */
  posts: Sample[][];
  /** The same picture, whatever the words. */
  pictures: Sample[][];
  /** The same words apart from case and punctuation, whatever the picture. */
  texts: Sample[][];
}

/**
 * Finds rows that are in more than one split, fast enough for the start of every training run: pictures are compared by their path,
 * and by size, first and last 4 KiB where sizes agree; nothing is decoded. `pnpm data:audit` finds more.
 */
export async function findOverlap(splits: Readonly<Record<string, readonly Sample[]>>): Promise<Overlap> {
  const rows = Object.entries(splits).flatMap(([split, samples]) => samples.map((sample) => ({ split, sample })));
  const keys = await pictureKeys(rows);
  const pictureOf = ({ sample }: Row) => keys.get(sample.imagePath) ?? sample.imagePath;
  const textOf = ({ sample }: Row) => (sample.text.trim() === '' ? null : normalizeText(sample.text));
  return {
    posts: acrossSplits(rows, (row) => (textOf(row) === null ? null : `${pictureOf(row)} ${textOf(row)}`)),
    pictures: acrossSplits(rows, (row) => pictureOf(row) || null), // posts without a picture share none
    texts: acrossSplits(rows, textOf),
  };
}

interface Row {
  split: string;
  sample: Sample;
}

function acrossSplits(rows: readonly Row[], keyOf: (row: Row) => string | null): Sample[][] {
  const groups = [...Map.groupBy(rows, keyOf)].filter(([key]) => key !== null);
  return groups
    .filter(([, members]) => new Set(members.map(({ split }) => split)).size > 1)
    .map(([, members]) => members.map(({ sample }) => sample));
}

const CONCURRENT_READS = 32;
const END = 4096;

/** A key per picture file whose size occurs in several splits. */
async function pictureKeys(rows: readonly Row[]): Promise<Map<string, string>> {
  const sized: (Row & { bytes: number })[] = [];
  await forEachConcurrently(rows, CONCURRENT_READS, async (row) => {
    const found = await stat(row.sample.imagePath).catch(() => null);
    if (found) sized.push({ ...row, bytes: found.size });
  });
  const candidates = [...Map.groupBy(sized, ({ bytes }) => bytes).values()].filter(
    (same) => new Set(same.map(({ split }) => split)).size > 1,
  );
  const keys = new Map<string, string>();
  await forEachConcurrently(candidates.flat(), CONCURRENT_READS, async ({ sample, bytes }) => {
    if (!keys.has(sample.imagePath)) keys.set(sample.imagePath, await endsOf(sample.imagePath, bytes));
  });
  return keys;
}

async function endsOf(file: string, bytes: number): Promise<string> {
  const handle = await open(file);
  try {
    const ends = Buffer.alloc(2 * END);
    await handle.read(ends, 0, END, 0);
    await handle.read(ends, END, END, Math.max(0, bytes - END));
    return `${bytes} ${sha256Of(ends)}`;
  } finally {
    await handle.close();
  }
}
