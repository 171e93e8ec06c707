import path from 'node:path';
import type { LabelId } from '@crosscheck/contract';
import { wordsOf } from '../../fingerprint/normalize-text.ts';
import type { AuditedPost } from '../posts.ts';
import { type HeldOut, holdOut, type LeakAccuracy, scoreHeldOut } from './held-out.ts';

/** One thing about posts besides what they say and show, and what it alone gives away. */
export interface PropertyLeak extends LeakAccuracy {
  name: string;
  kind: 'column' | 'property';
  /** Why it must not be a feature; null when nothing speaks against it. */
  reason: string | null;
}

/** Columns of known data sets that decide the label or were written after it. */
const forbidden: Record<string, string> = {
  '2_way_label': "is Fakeddit's label",
  '3_way_label': "is Fakeddit's label, finer",
  '6_way_label': "is Fakeddit's label, finer",
  subreddit: 'decides the label: Fakeddit labels whole subreddits',
  domain: 'the host hints at the subreddit, and so at the label',
  author: 'people post mostly in one class',
  score: 'readers vote after they know what the post is',
  upvote_ratio: 'readers vote after they know what the post is',
  num_comments: 'readers comment after they know what the post is',
  linked_submission_id: 'only one class has it',
  falsified: "is NewsCLIPpings' label",
  similarity_score: 'only mismatched pairs were chosen by it',
};

/** Lower end of the interval of accuracy above the baseline from which a column is taken for a leak. */
const LIFT = 0.1;

const BINS = 10;
const NUMERIC_SHARE = 0.95;

type Read = (post: AuditedPost) => string;

const properties: Record<string, Read> = {
  'words in the text': ({ sample }) => String(wordsOf(sample.text).length),
  'characters in the text': ({ sample }) => String(sample.text.length),
  'width of the picture': ({ picture }) => String(picture?.width ?? ''),
  'height of the picture': ({ picture }) => String(picture?.height ?? ''),
  'width / height': ({ picture }) => (picture ? (picture.width / picture.height).toFixed(2) : ''),
  'bytes of the picture': ({ picture }) => String(picture?.bytes ?? ''),
  'file type of the picture': ({ picture }) => picture?.type ?? 'unreadable',
  'contrast of the picture': ({ picture }) => picture?.contrast.toFixed(1) ?? '',
  'folder of the picture': ({ sample, split }) => path.dirname(sample.imagePath).replaceAll(split, ''),
};

/** How well each property and each further column tells the label of held-out posts, the most telling first. */
export function findPropertyLeaks(posts: readonly AuditedPost[], columns: readonly string[]): PropertyLeak[] {
  const parts = holdOut(posts);
  const named = Object.entries(properties).map(([name, read]) => ({ name, kind: 'property' as const, read }));
  const ofColumns = columns.map((name) => {
    const read: Read = ({ sample }) => (sample.row[name] ?? '').trim();
    return { name, kind: 'column' as const, read };
  });
  const leaks = [...named, ...ofColumns].map(({ name, kind, read }): PropertyLeak => {
    const score = scoreProperty(parts, read);
    return { name, kind, ...score, reason: reasonAgainst(name, kind, score) };
  });
  return leaks.sort((a, b) => liftOf(b) - liftOf(a));
}

export function liftOf({ accuracy, baseline }: LeakAccuracy): number {
  return accuracy.value - baseline;
}

/** Few held-out posts must not raise an alarm by chance. */
export function sureLiftOf({ accuracy, baseline }: LeakAccuracy): number {
  return accuracy.low - baseline;
}

function reasonAgainst(name: string, kind: 'column' | 'property', score: LeakAccuracy): string | null {
  const known = kind === 'column' ? forbidden[name.toLowerCase()] : undefined;
  if (known !== undefined) return known;
  return sureLiftOf(score) > LIFT ? 'tells the label by itself' : null;
}

/** Names the class that is commoner among learnt posts with the same value; numbers are put into ten bins of equal size first. */
function scoreProperty(parts: HeldOut, read: Read): LeakAccuracy {
  const binOf = chooseBins(parts.learn.map(read));
  const counts = new Map<string, [number, number]>();
  const all: [number, number] = [0, 0];
  for (const post of parts.learn) {
    const bin = binOf(read(post));
    const seen = counts.get(bin) ?? [0, 0];
    seen[post.label]++;
    all[post.label]++;
    counts.set(bin, seen);
  }
  return scoreHeldOut(parts, (post): LabelId => {
    const [real, fake] = counts.get(binOf(read(post))) ?? all;
    return real === fake ? (all[1] > all[0] ? 1 : 0) : fake > real ? 1 : 0;
  });
}

function chooseBins(values: readonly string[]): (value: string) => string {
  const filled = values.filter((value) => value !== '');
  const numbers = filled.map(Number).filter((value) => !Number.isNaN(value));
  const distinct = new Set(numbers);
  if (distinct.size <= BINS || numbers.length < filled.length * NUMERIC_SHARE) return (value) => value;
  const sorted = numbers.sort((a, b) => a - b);
  const edges = Array.from(
    { length: BINS - 1 },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / BINS)] as number,
  );
  return (value) => (value === '' ? '' : String(edges.filter((edge) => Number(value) >= edge).length));
}
