import { labelNames } from '@crosscheck/contract';
import { wordsOf } from '../fingerprint/normalize-text.ts';
import type { AuditedPost } from './posts.ts';

/** Posts per class in a split. */
export interface ClassCounts {
  split: string;
  real: number;
  fake: number;
  shareFake: number;
}

export function countClasses(posts: readonly AuditedPost[], splits: readonly string[]): ClassCounts[] {
  return splits.map((split) => {
    const ofSplit = posts.filter((post) => post.split === split);
    const fake = ofSplit.filter(({ label }) => label === 1).length;
    return { split, real: ofSplit.length - fake, fake, shareFake: ofSplit.length === 0 ? 0 : fake / ofSplit.length };
  });
}

/** How a number is spread over posts, by class. */
export interface Distribution {
  name: string;
  /** Lower edges of the bins; the last bin is open. */
  edges: number[];
  /** Posts per bin, by class. */
  counts: Record<string, number[]>;
  /** Middle value, by class. */
  medians: Record<string, number>;
}

const measures: { name: string; edges: number[]; of: (post: AuditedPost) => number | null }[] = [
  {
    name: 'words in the text',
    edges: [0, 1, 3, 5, 8, 11, 15, 20, 30, 50, 100],
    of: ({ sample }) => wordsOf(sample.text).length,
  },
  {
    name: 'shorter side of the picture, pixels',
    edges: [0, 32, 64, 128, 200, 300, 400, 600, 800, 1200, 2000],
    of: ({ picture }) => picture && Math.min(picture.width, picture.height),
  },
  {
    name: 'size of the picture, kB',
    edges: [0, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000],
    of: ({ picture }) => picture && picture.bytes / 1000,
  },
];

export function measureDistributions(posts: readonly AuditedPost[]): Distribution[] {
  return measures.map(({ name, edges, of }) => {
    const byClass = labelNames.map((_, label) =>
      posts.filter((post) => post.label === label).flatMap((post) => of(post) ?? []),
    );
    const each = <T>(measure: (values: number[]) => T) =>
      Object.fromEntries(labelNames.map((label, i) => [label, measure(byClass[i] as number[])]));
    return { name, edges, counts: each((values) => histogram(values, edges)), medians: each(median) };
  });
}

function histogram(values: readonly number[], edges: readonly number[]): number[] {
  const counts = edges.map(() => 0);
  for (const value of values) {
    const bin = edges.findLastIndex((edge) => value >= edge);
    counts[Math.max(0, bin)] = (counts[Math.max(0, bin)] as number) + 1;
  }
  return counts;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
