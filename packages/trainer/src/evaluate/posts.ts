import type { TrainConfig } from '@crosscheck/config';
import { CrosscheckError, nearest } from '@crosscheck/contract';
import type { Sample } from '@crosscheck/data';
import {
  type AblatedAccuracy,
  aggregatePosts,
  applyTemperature,
  type Estimate,
  pairedAccuracy,
  wilsonInterval,
} from '@crosscheck/evaluation';
import type { Answers } from './open-judge.ts';

/** Verdicts by post, where a post may be several rows. N posts. */
export interface JudgedPosts {
  /** [N] probability of FAKE, temperature applied */
  probabilities: Float64Array;
  /** [N] the same at temperature 1 */
  uncalibrated: Float64Array;
  /** [N] 0 REAL, 1 FAKE */
  labels: ArrayLike<number>;
  /** [N] position of each post's first row in the samples */
  indices: Int32Array;
  /** [N] what tells a post from the others: its row's position, or its value of `evaluation.post_column` */
  keys: readonly (string | number)[];
}

/** The rows of one post put together, when `evaluation.post_column` names posts. */
export function asPosts(answers: Answers, samples: readonly Sample[], { evaluation }: TrainConfig): JudgedPosts {
  const { probabilities, labels, indices } = answers;
  const uncalibrated = applyTemperature(answers.logits, 1);
  const { post_column: column, aggregation } = evaluation;
  if (column === null) return { probabilities, uncalibrated, labels, indices, keys: [...indices] };
  const keys = valuesOf(column, indices, samples);
  const aggregate = (values: Float64Array) => aggregatePosts(values, labels, keys, aggregation);
  const posts = aggregate(probabilities);
  return {
    probabilities: posts.probabilities,
    uncalibrated: aggregate(uncalibrated).probabilities,
    labels: posts.labels,
    indices: Int32Array.from(posts.keys, (key) => indices[keys.indexOf(key)] as number),
    keys: posts.keys,
  };
}

/** A column's value in each of some samples. */
export function valuesOf(column: string, indices: Int32Array, samples: readonly Sample[]): string[] {
  return Array.from(indices, (i) => samples[i]?.row[column] ?? '');
}

interface ColumnsOfFile {
  columns: readonly string[];
  file: string;
}

/** @throws CROSSCHECK_DATA_MISSING_COLUMN */
export function requireColumn(key: string, column: string | null, { columns, file }: ColumnsOfFile): void {
  if (column === null || columns.includes(column)) return;
  const near = nearest(column, columns);
  throw new CrosscheckError(
    'CROSSCHECK_DATA_MISSING_COLUMN',
    `expected column "${column}" (${key}${near === undefined ? '' : `; nearest: "${near}"`}) in ${file}, got ${columns.map((name) => `"${name}"`).join(', ')}; ` +
      'set the key to the name of the right column',
  );
}

/** Share of right verdicts, with Wilson's 95 % interval. */
export function accuracyOf(
  { probabilities, labels }: Pick<JudgedPosts, 'probabilities' | 'labels'>,
  threshold: number,
): Estimate {
  const right = Array.from(labels).filter(
    (label, i) => (probabilities[i] as number) > threshold === (label === 1),
  ).length;
  return wilsonInterval(right, labels.length);
}

/** The posts that were judged both times, in the order of the first. */
export function pairPosts(first: JudgedPosts, second: JudgedPosts): { first: JudgedPosts; second: JudgedPosts } {
  const places = new Map(second.keys.map((key, i) => [key, i]));
  const both = [...first.keys.keys()].filter((i) => places.has(first.keys[i] as string | number));
  const there = both.map((i) => places.get(first.keys[i] as string | number) as number);
  return { first: selectPosts(first, both), second: selectPosts(second, there) };
}

function selectPosts({ probabilities, uncalibrated, labels, indices, keys }: JudgedPosts, rows: number[]): JudgedPosts {
  return {
    probabilities: Float64Array.from(rows, (row) => probabilities[row] as number),
    uncalibrated: Float64Array.from(rows, (row) => uncalibrated[row] as number),
    labels: Float32Array.from(rows, (row) => labels[row] as number),
    indices: Int32Array.from(rows, (row) => indices[row] as number),
    keys: rows.map((row) => keys[row] as string | number),
  };
}

/** Accuracy with a part of each post taken away, and how far that lies from the same posts as they are. */
export function ablatedAccuracy(full: JudgedPosts, ablated: JudgedPosts, threshold: number): AblatedAccuracy {
  const { first, second } = pairPosts(full, ablated);
  const change = pairedAccuracy({ ...first, threshold }, { ...second, threshold }, first.labels);
  return { ...accuracyOf(ablated, threshold), change };
}
