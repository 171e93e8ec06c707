import { combineSeeds, type LabelId } from '@crosscheck/contract';
import { type Estimate, wilsonInterval } from '@crosscheck/evaluation';
import type { AuditedPost } from '../posts.ts';

/** Which posts a leak test learns from, and which it is judged by. */
export interface HeldOut {
  learn: AuditedPost[];
  judge: AuditedPost[];
}

const LEAST = 40;

/** Learns from the first split and is judged by the others; a single split gives every fourth post, chosen by its text. */
export function holdOut(posts: readonly AuditedPost[]): HeldOut {
  const [first] = posts;
  const learn = posts.filter(({ split }) => split === first?.split);
  const judge = posts.filter(({ split }) => split !== first?.split);
  if (judge.length >= LEAST) return { learn, judge };
  const isJudged = ({ sample }: AuditedPost) => combineSeeds('held out', sample.text) % 4 === 0;
  return { learn: posts.filter((post) => !isJudged(post)), judge: posts.filter(isJudged) };
}

/** What a test that sees only one thing gets right on posts it did not learn from. */
export interface LeakAccuracy {
  accuracy: Estimate;
  /** Accuracy of the best constant guess: the share of the class that is commoner among the judged posts. */
  baseline: number;
  posts: number;
}

export function scoreHeldOut({ judge }: HeldOut, predict: (post: AuditedPost) => LabelId): LeakAccuracy {
  const posts = Math.max(1, judge.length);
  const right = judge.filter((post) => predict(post) === post.label).length;
  const fakes = judge.filter(({ label }) => label === 1).length;
  // Not the class that is commoner in training: where shares differ, guessing the other one is better, and no leak.
  const baseline = Math.max(fakes, judge.length - fakes) / posts;
  return { accuracy: wilsonInterval(right, posts), baseline, posts: judge.length };
}
