import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { parseLabel } from './labels.ts';
import { readJsonLines, textOf } from './read-json.ts';
import type { SourcePost } from './write-source.ts';

/** Names under which each split is published, the one with labels first. */
const jsonNames: Record<string, string[]> = {
  train: ['train.jsonl'],
  val: ['dev_seen.jsonl', 'dev.jsonl', 'dev_unseen.jsonl', 'validation.jsonl'],
  test: ['test_seen.jsonl', 'test_unseen.jsonl', 'test.jsonl'],
};

const parquetNames: Record<string, RegExp> = {
  train: /^train.*\.parquet$/,
  val: /^(validation|dev|val).*\.parquet$/,
  test: /^test.*\.parquet$/,
};

/**
 * Hateful Memes (Kiela et al. 2020) as JSONL beside `img/`, or as the parquet files of the Hugging Face layout. Label 1 = hateful takes
 * the place of FAKE.
 *
 * @throws CROSSCHECK_DATA_NOT_FOUND, CROSSCHECK_DATA_BROKEN_JSON, CROSSCHECK_DATA_BROKEN_PARQUET
 */
export async function readHatefulMemes(source: string): Promise<Record<string, SourcePost[]>> {
  const present = await listFiles(source);
  const splits: Record<string, SourcePost[]> = {};
  for (const split of ['train', 'val', 'test']) {
    const parquet = present.filter((file) => parquetNames[split]?.test(path.basename(file))).sort();
    const json = jsonNames[split]?.map((name) => path.join(source, name)).find((file) => present.includes(file));
    if (json !== undefined)
      splits[split] = (await readJsonLines(json)).map(({ line, value }) => toPost(value, line, source));
    else if (parquet.length > 0) splits[split] = await readParquet(parquet, source);
  }
  if (Object.keys(splits).length > 0) return splits;
  throw new CrosscheckError(
    'CROSSCHECK_DATA_NOT_FOUND',
    `expected train.jsonl or train*.parquet of Hateful Memes in ${path.resolve(source)}, got ${present.length} other files; set source=<folder>`,
  );
}

async function listFiles(source: string): Promise<string[]> {
  const [top, data] = await Promise.all([source, path.join(source, 'data')].map((dir) => readdir(dir).catch(() => [])));
  return [
    ...(top ?? []).map((name) => path.join(source, name)),
    ...(data ?? []).map((name) => path.join(source, 'data', name)),
  ];
}

async function readParquet(files: readonly string[], source: string): Promise<SourcePost[]> {
  const posts: SourcePost[] = [];
  // Only those who read parquet pay for its decoder.
  const { readParquetRows } = await import('./read-parquet.ts');
  for (const file of files)
    for (const row of await readParquetRows(file)) posts.push(toPost(row, posts.length + 1, source));
  return posts;
}

/** JSONL names a picture's file in `img`; parquet holds a path there, or `image: {bytes, path}`. */
function toPost(row: Record<string, unknown>, line: number, source: string): SourcePost {
  const image = row.image ?? row.img;
  const embedded =
    typeof image === 'object' && image !== null ? (image as { bytes?: Uint8Array; path?: string }) : null;
  const picture = embedded?.bytes ? Buffer.from(embedded.bytes) : path.join(source, embedded?.path ?? textOf(image));
  const id = textOf(row.id) || String(line);
  return { id, line, text: textOf(row.text), label: parseLabel(row.label), picture };
}
