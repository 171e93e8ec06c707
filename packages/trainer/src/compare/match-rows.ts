import { CrosscheckError } from '@crosscheck/contract';
import { compareOnOtherRows, compareOnSameRows, type ModelComparison } from '@crosscheck/evaluation';
import type { Disagreement } from '@crosscheck/report';
import type { Prediction } from '../predictions/prediction.ts';
import { disagreementsOf } from './disagreements.ts';
import type { JudgedSplit, ReadRun } from './read-run.ts';

export interface ComparedSplit {
  split: string;
  posts: [number, number];
  comparison: ModelComparison;
  /** Null where the two judged different posts. */
  disagreements: Disagreement[] | null;
  warnings: string[];
}

interface Drawing {
  resamples: number;
  seed: number;
}

const splits = ['test', 'val', 'train'];

/** The verdicts that both runs have: on the asked split, or the first that both judged; null without one. */
export function commonSplit(
  [a, b]: readonly [ReadRun, ReadRun],
  asked: string | null,
): readonly [JudgedSplit, JudgedSplit] | null {
  const find = ({ judged }: ReadRun, split: string) => judged.find(({ result }) => result.split === split);
  const both = (asked === null ? splits : [asked]).flatMap((split) => {
    const [first, second] = [find(a, split), find(b, split)];
    return first && second ? [[first, second] as const] : [];
  });
  if (asked === null || both.length > 0) return both[0] ?? null;
  const has = ({ folder, judged }: ReadRun) =>
    `${folder} has ${judged.map(({ result }) => result.split).join(' and ') || 'none'}`;
  const message = `expected verdicts on compare.split=${asked} in both runs, but ${has(a)} and ${has(b)}; name another, or judge it with pnpm evaluate evaluation.split=${asked}`;
  throw new CrosscheckError('CROSSCHECK_COMPARE_NOTHING', message);
}

/** In pairs where both judged the same posts of the same CSV, else as two samples. */
export function compareSplit(first: JudgedSplit, second: JudgedSplit, drawing: Drawing): ComparedSplit {
  const rows = pairRows(first, second);
  const side = ({ result: { threshold } }: JudgedSplit, predictions: readonly Prediction[]) => ({
    probabilities: predictions.map(({ probability }) => probability),
    labels: predictions.map(({ label }) => label),
    threshold,
  });
  const { split } = second.result;
  if ('reason' in rows) {
    const [a, b] = [side(first, first.predictions), side(second, second.predictions)];
    const posts: [number, number] = [first.predictions.length, second.predictions.length];
    return {
      split,
      posts,
      comparison: compareOnOtherRows(a, b, drawing),
      disagreements: null,
      warnings: [rows.reason],
    };
  }
  const [a, b] = [side(first, rows.first), side(second, rows.second)];
  return {
    split,
    posts: [rows.first.length, rows.first.length],
    comparison: compareOnSameRows(a, b, a.labels, drawing),
    disagreements: disagreementsOf(rows.first, rows.second),
    warnings: describeLeftOut([first, second], rows.first.length),
  };
}

type Paired = Record<'first' | 'second', Prediction[]> | { reason: string };

function pairRows(a: JudgedSplit, b: JudgedSplit): Paired {
  if (a.result.data.file !== b.result.data.file)
    return { reason: 'the two runs judged different CSVs (another sha256), so their posts are not compared in pairs' };
  const byId = new Map(b.predictions.map((prediction) => [prediction.id, prediction]));
  const common = a.predictions.flatMap((prediction) => {
    const other = byId.get(prediction.id);
    return other === undefined ? [] : [[prediction, other] as const];
  });
  if (common.length === 0)
    return {
      reason: 'the two runs name their posts differently, or judged other rows, so these are not compared in pairs',
    };
  if (common.some(([x, y]) => x.label !== y.label))
    return { reason: 'the two runs read other labels from the same CSV, so their posts are not compared in pairs' };
  return { first: common.map(([x]) => x), second: common.map(([, y]) => y) };
}

function describeLeftOut(sides: readonly JudgedSplit[], common: number): string[] {
  const counts = sides.map(({ predictions }) => predictions.length);
  if (counts.every((count) => count === common)) return [];
  return [`${common} posts were judged by both runs, of ${counts.join(' and ')}; only those are compared`];
}
