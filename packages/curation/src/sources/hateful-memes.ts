import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { createImageLocator } from '@crosscheck/posts';
import { collectLabels, type LabelCollector } from './labels.ts';
import { placeImages } from './place-images.ts';
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
 * @throws CROSSCHECK_DATA_NOT_FOUND, CROSSCHECK_DATA_BROKEN_JSON, CROSSCHECK_DATA_BROKEN_PARQUET, CROSSCHECK_DATA_BAD_LABEL, CROSSCHECK_DATA_IMAGE_OUTSIDE
 */
export async function readHatefulMemes(
  source: string,
  allowOutsideRoot = false,
): Promise<Record<string, SourcePost[]>> {
  const keys = { root: 'source', allowOutsideRoot: 'allow_outside_root' };
  const locate = createImageLocator({ root: source, allowOutsideRoot, keys });
  const present = await listFiles(source);
  const splits: Record<string, SourcePost[]> = {};
  for (const split of ['train', 'val', 'test']) {
    const parquet = present.filter((file) => parquetNames[split]?.test(path.basename(file))).sort();
    const json = jsonNames[split]?.map((name) => path.join(source, name)).find((file) => present.includes(file));
    const [file] = json === undefined ? parquet : [json];
    if (file === undefined) continue;
    const labels = collectLabels({ labels: meanings });
    const posts = json === undefined ? await readParquet(parquet, labels) : await readLines(json, labels);
    labels.requireKnown(file);
    await placeImages(file, posts, locate);
    splits[split] = posts;
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

const meanings = { 0: 'REAL', 1: 'FAKE', 'not-hateful': 'REAL', not_hateful: 'REAL', hateful: 'FAKE' };

async function readLines(file: string, labels: LabelCollector): Promise<SourcePost[]> {
  return (await readJsonLines(file)).map(({ line, value }) => toPost(value, line, labels));
}

async function readParquet(files: readonly string[], labels: LabelCollector): Promise<SourcePost[]> {
  const posts: SourcePost[] = [];
  // Only those who read parquet pay for its decoder.
  const { readParquetRows } = await import('./read-parquet.ts');
  for (const file of files)
    for (const row of await readParquetRows(file)) posts.push(toPost(row, posts.length + 1, labels));
  return posts;
}

/** JSONL names a picture's file in `img`; parquet holds a path there, or `image: {bytes, path}`. */
function toPost(row: Record<string, unknown>, line: number, labels: LabelCollector): SourcePost {
  const image = row.image ?? row.img;
  const embedded =
    typeof image === 'object' && image !== null ? (image as { bytes?: Uint8Array; path?: string }) : null;
  const picture = embedded?.bytes ? Buffer.from(embedded.bytes) : (embedded?.path ?? textOf(image));
  const id = textOf(row.id) || String(line);
  return { id, line, text: textOf(row.text), label: labels.read(row.label), picture };
}
