import { CrosscheckError } from '@crosscheck/contract';
import { type Estimate, wilsonInterval } from './intervals.ts';
import { computeMetrics, type Metrics } from './metrics.ts';
import { checkScores } from './scored.ts';

/** Metrics of the rows that share one value of a column. */
export interface GroupMetrics {
  group: string;
  rows: number;
  fakeRows: number;
  metrics: Metrics;
  /** With its Wilson interval: small groups have wide ones. */
  accuracy: Estimate;
}

function checkKeys(keys: ArrayLike<unknown>, rows: number): void {
  if (keys.length === rows) return;
  const message = `expected one group name per row, got ${keys.length} names for ${rows} rows`;
  throw new CrosscheckError('CROSSCHECK_EVALUATION_LENGTHS', message);
}

function rowsByKey(keys: readonly string[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  keys.forEach((key, row) => {
    const rows = groups.get(key);
    if (rows === undefined) groups.set(key, [row]);
    else rows.push(row);
  });
  return groups;
}

/**
 * Metrics per value of a CSV column (domain, subreddit, …), largest group first. The rows of a one-class group leave ROC-AUC NaN.
 *
 * @param groups [N] the column's value in each row
 * @throws CROSSCHECK_EVALUATION_LENGTHS, CROSSCHECK_EVALUATION_BAD_LABEL, CROSSCHECK_EVALUATION_BAD_PROBABILITY
 */
export function computeGroupMetrics(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  groups: readonly string[],
  threshold = 0.5,
): GroupMetrics[] {
  checkScores(probabilities, labels);
  checkKeys(groups, labels.length);
  const table = Array.from(rowsByKey(groups), ([group, rows]): GroupMetrics => {
    const metrics = computeMetrics(
      rows.map((row) => probabilities[row] as number),
      rows.map((row) => labels[row] as number),
      threshold,
    );
    const { tp, tn, fn } = metrics.confusion;
    return { group, rows: rows.length, fakeRows: tp + fn, metrics, accuracy: wilsonInterval(tp + tn, rows.length) };
  });
  return table.sort((a, b) => b.rows - a.rows || (a.group < b.group ? -1 : 1));
}

/** One post after its rows were put together. */
export interface AggregatedPosts {
  /** In order of first appearance. */
  keys: string[];
  probabilities: Float64Array;
  labels: Uint8Array;
  /** Rows behind each post. */
  rows: Uint32Array;
}

const aggregations = {
  mean: (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length,
  max: (values: number[]) => values.reduce((a, b) => Math.max(a, b)),
} as const;

export type Aggregation = keyof typeof aggregations;

function labelOfPost(key: string, rows: number[], labels: ArrayLike<number>): number {
  const other = rows.find((row) => labels[row] !== labels[rows[0] as number]);
  if (other === undefined) return labels[rows[0] as number] as number;
  const message = `expected one label per post, got both 0 and 1 for "${key}" (rows ${rows[0]} and ${other}); correct the labels or the group column`;
  throw new CrosscheckError('CROSSCHECK_EVALUATION_MIXED_LABELS', message);
}

/**
 * Puts several rows of one post (frames of a video, pictures of a gallery) together before it is judged.
 *
 * @param keys [N] what names the post in each row
 * @param aggregation mean, or max: one convincing frame is enough
 * @throws CROSSCHECK_EVALUATION_MIXED_LABELS, and those of `computeMetrics`
 */
export function aggregatePosts(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  keys: readonly string[],
  aggregation: Aggregation,
): AggregatedPosts {
  checkScores(probabilities, labels);
  checkKeys(keys, labels.length);
  const posts = [...rowsByKey(keys)];
  return {
    keys: posts.map(([key]) => key),
    probabilities: Float64Array.from(posts, ([, rows]) =>
      aggregations[aggregation](rows.map((row) => probabilities[row] as number)),
    ),
    labels: Uint8Array.from(posts, ([key, rows]) => labelOfPost(key, rows, labels)),
    rows: Uint32Array.from(posts, ([, rows]) => rows.length),
  };
}

/** Row numbers of the wrong verdicts, the most confident first. */
export function confidentMistakes(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  threshold: number,
  count: number,
): number[] {
  checkScores(probabilities, labels);
  const confidence = (row: number) =>
    labels[row] === 1 ? 1 - (probabilities[row] as number) : (probabilities[row] as number);
  return Array.from(labels, (_, row) => row)
    .filter((row) => (probabilities[row] as number) > threshold !== (labels[row] === 1))
    .sort((a, b) => confidence(b) - confidence(a))
    .slice(0, count);
}
