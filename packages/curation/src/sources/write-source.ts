import { availableParallelism } from 'node:os';
import path from 'node:path';
import { type LabelId, messageOf } from '@crosscheck/contract';
import { type ManifestRow, noteImageRoots, relativeImage, writeManifestFile } from '@crosscheck/data';
import { forEachConcurrently, sha256Of, writeWhole } from '@crosscheck/files';
import { readImageFile } from '@crosscheck/preprocess';
import type { Fate } from '../download/fates.ts';
import { type LedgerEntry, openLedger } from '../download/ledger.ts';
import { requireKept } from '../download/require-kept.ts';
import { judgePicture, type PictureLimits } from '../fakeddit/keep-picture.ts';
import { normalizeText } from '../fingerprint/normalize-text.ts';

/** A post of another data set, before its picture was looked at. */
export interface SourcePost {
  id: string;
  /** Where it stands in its file: a line, or a position. */
  line: number;
  text: string;
  /** Ours: 0 = REAL, 1 = FAKE; null when it has none. */
  label: LabelId | null;
  /** The picture's file, or its bytes; null when it is not there. */
  picture: string | Buffer | null;
  /** Why it is not there. */
  detail?: string;
  /** Kept as columns. */
  columns?: ManifestRow;
}

export interface SourceOptions {
  /** Receives `<split>.csv`, `ledger.jsonl` and, for pictures that come as bytes, `images/`. */
  dir: string;
  /** Whether rows without words are kept. */
  allowBlank?: boolean;
  limits: PictureLimits;
  /** When more than this share of the rows fails, or all, nothing is written but the ledger. @default 1 */
  maxFailedShare?: number;
  onPost?: (done: number, total: number) => void;
}

export interface SourceSummary {
  kept: Record<string, { rows: number; fake: number; file: string }>;
  fates: Partial<Record<Fate, number>>;
}

/**
 * Writes the posts of any source as manifests: rows without label or words, repeated posts and pictures that are missing, damaged or
 * tiny are left out and say so in `ledger.jsonl`. A post that is in several splits stays in the last of them: test before train.
 *
 * @throws CROSSCHECK_DATA_TOO_MANY_FAILED
 */
export async function writeSource(
  splits: Readonly<Record<string, readonly SourcePost[]>>,
  options: SourceOptions,
): Promise<SourceSummary> {
  const posts = Object.entries(splits).flatMap(([split, rows]) => rows.map((post) => ({ split, post })));
  const repeated = findRepeated(posts);
  const entries: LedgerEntry[] = [];
  let done = 0;
  await forEachConcurrently(posts, availableParallelism(), async ({ split, post }, i) => {
    entries[i] = { ...blank(split, post), ...(await settle(split, post, repeated.has(i), options)) };
    options.onPost?.(++done, posts.length);
  });
  await (await openLedger(path.join(options.dir, 'ledger.jsonl'))).finish(entries);
  requireKept(entries, options.maxFailedShare ?? 1, path.join(options.dir, 'ledger.jsonl'));
  const kept: SourceSummary['kept'] = {};
  for (const split of Object.keys(splits)) {
    const rows = posts.flatMap(({ split: of, post }, i) => {
      const entry = entries[i] as LedgerEntry;
      return of === split && entry.fate === 'kept' ? [toRow(post, entry)] : [];
    });
    const file = path.join(options.dir, `${split}.csv`);
    await writeManifestFile(file, rows);
    const images = rows.map(({ image_path }) => path.join(options.dir, String(image_path)));
    await noteImageRoots(options.dir, images);
    kept[split] = { rows: rows.length, fake: rows.filter(({ label }) => label === 1).length, file };
  }
  return { kept, fates: countFates(entries) };
}

export function countFates(entries: readonly LedgerEntry[]): Partial<Record<Fate, number>> {
  const counts = Object.entries(Object.groupBy(entries, ({ fate }) => fate)).map(([fate, rows]) => [fate, rows.length]);
  return Object.fromEntries(counts) as Partial<Record<Fate, number>>;
}

/** What became of the rows that were not kept, the commonest reason first. */
export function describeLost(counts: Partial<Record<Fate, number>>): string {
  const lost = Object.entries(counts).filter(([fate]) => fate !== 'kept');
  const told = lost.toSorted(([, a], [, b]) => b - a).map(([fate, rows]) => `${rows} ${fate}`);
  return `left out: ${told.length === 0 ? 'nothing' : `${told.join(', ')}; see ledger.jsonl`}`;
}

interface Placed {
  split: string;
  post: SourcePost;
}

/** Positions of posts whose id, or words with picture, come again later. */
function findRepeated(posts: readonly Placed[]): Set<number> {
  const repeated = new Set<number>();
  const seen = new Set<string>();
  for (let i = posts.length - 1; i >= 0; i--) {
    const { id, text, picture, label } = (posts[i] as Placed).post;
    const content = typeof picture === 'object' && picture !== null ? sha256Of(picture) : (picture ?? `none ${i}`);
    const keys = [`id ${id}`, `post ${label} ${normalizeText(text)} ${content}`];
    if (keys.some((key) => seen.has(key))) repeated.add(i);
    for (const key of keys) seen.add(key);
  }
  return repeated;
}

function blank(split: string, { id, line, label }: SourcePost): LedgerEntry {
  const nothing = { domain: 'local', url: '', detail: '', attempts: 0, bytes: null, width: null, height: null };
  return { split, id, line, label, fate: 'not_found', image: null, sha256: null, ...nothing };
}

async function settle(
  split: string,
  post: SourcePost,
  isRepeated: boolean,
  { dir, limits, allowBlank = false }: SourceOptions,
): Promise<Partial<LedgerEntry> & Pick<LedgerEntry, 'fate'>> {
  if (isRepeated)
    return { fate: 'duplicate_id', detail: 'the same id, or the same words with the same picture, again' };
  if (post.label === null) return { fate: 'no_label' };
  if (post.text.trim() === '' && !allowBlank) return { fate: 'no_text' };
  if (post.picture === null || post.picture === '')
    return { fate: 'not_found', detail: post.detail ?? 'no picture is named' };
  const { bytes, detail } = await bytesOf(post.picture);
  if (bytes === null) return { fate: 'not_found', detail };
  const { extension, ...facts } = await judgePicture(bytes, limits);
  if (extension === null) return facts;
  if (typeof post.picture === 'string') return { ...facts, image: relativeImage(dir, post.picture) };
  const image = `images/${split}/${encodeURIComponent(post.id).replaceAll('.', '%2E')}.${extension}`;
  writeWhole(path.join(dir, image), bytes);
  return { ...facts, image };
}

async function bytesOf(picture: string | Buffer): Promise<{ bytes: Buffer | null; detail: string }> {
  if (typeof picture !== 'string') return { bytes: picture, detail: '' };
  const read = readImageFile(picture);
  return read.then(
    (bytes) => ({ bytes, detail: '' }),
    (error: unknown) => ({ bytes: null, detail: messageOf(error) }),
  );
}

function toRow({ id, text, label, columns }: SourcePost, { image, sha256 }: LedgerEntry): ManifestRow {
  return { text_content: text, image_path: image, label, id, ...columns, image_sha256: sha256 };
}
