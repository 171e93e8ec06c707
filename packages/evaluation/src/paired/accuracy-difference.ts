import { CrosscheckError } from '@crosscheck/contract';
import { type Estimate, normalQuantile, wilsonInterval } from '../intervals.ts';

/** How often two judges of the same posts are right. */
export interface PairedVerdicts {
  bothRight: number;
  onlyFirstRight: number;
  onlySecondRight: number;
  bothWrong: number;
}

/** Two accuracies on the same posts, and whether chance explains what lies between them. */
export interface PairedAccuracy extends PairedVerdicts {
  rows: number;
  /** The second accuracy minus the first, with Tango's 95 % score interval. */
  difference: Estimate;
  /** McNemar's exact test, two-sided. */
  pValue: number;
}

/** Probabilities of FAKE, and above which of them a post is called FAKE. */
export interface Judgement {
  /** [N] in [0, 1] */
  probabilities: ArrayLike<number>;
  threshold: number;
}

/**
 * Compares two accuracies on the same posts, in the same order.
 *
 * @param labels [N] 0 REAL, 1 FAKE
 * @throws CROSSCHECK_EVALUATION_LENGTHS
 */
export function pairedAccuracy(first: Judgement, second: Judgement, labels: ArrayLike<number>): PairedAccuracy {
  return describePairs(countPairs(first, second, labels));
}

function countPairs(first: Judgement, second: Judgement, labels: ArrayLike<number>): PairedVerdicts {
  requireSameRows(first.probabilities.length, second.probabilities.length, labels.length);
  const isRight = ({ probabilities, threshold }: Judgement, row: number) =>
    (probabilities[row] as number) > threshold === (labels[row] === 1);
  const counts = { bothRight: 0, onlyFirstRight: 0, onlySecondRight: 0, bothWrong: 0 };
  for (let row = 0; row < labels.length; row++) {
    const [a, b] = [isRight(first, row), isRight(second, row)];
    if (a) counts[b ? 'bothRight' : 'onlyFirstRight']++;
    else counts[b ? 'onlySecondRight' : 'bothWrong']++;
  }
  return counts;
}

function requireSameRows(first: number, second: number, labels: number): void {
  if (first === labels && second === labels) return;
  const message = `expected the same rows from both models, got ${first} and ${second} probabilities for ${labels} labels; keep the rows that both judged`;
  throw new CrosscheckError('CROSSCHECK_EVALUATION_LENGTHS', message);
}

/** The difference and its test, from the four counts alone. */
export function describePairs(pairs: PairedVerdicts): PairedAccuracy {
  const { bothRight, onlyFirstRight, onlySecondRight, bothWrong } = pairs;
  const rows = bothRight + onlyFirstRight + onlySecondRight + bothWrong;
  return {
    ...pairs,
    rows,
    difference: tangoInterval(onlyFirstRight, onlySecondRight, rows),
    pValue: mcnemarExact(onlyFirstRight, onlySecondRight),
  };
}

/**
 * McNemar's exact test (1947): were both equally good, each post that only one judges rightly would be either one's by a fair coin. Twice the
 * smaller tail of that binomial, at most 1; 1 when they are right on the same posts.
 */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  const trials = onlyFirst + onlySecond;
  let logTerm = -trials * Math.LN2;
  let tail = Math.exp(logTerm);
  for (let k = 1; k <= Math.min(onlyFirst, onlySecond); k++) {
    logTerm += Math.log((trials - k + 1) / k);
    tail += Math.exp(logTerm);
  }
  return Math.min(1, 2 * tail);
}

// The interval's ends are found to the last bit or two of a double.
const bisections = 60;

/**
 * Tango's score interval of the difference of two paired shares (Statistics in Medicine 17, 1998), the second minus the first: what Wilson's is
 * for one share. It holds for few posts, and is not of length 0 when no post tells the two apart. NaN without rows.
 */
export function tangoInterval(onlyFirst: number, onlySecond: number, rows: number, confidence = 0.95): Estimate {
  const value = (onlySecond - onlyFirst) / rows;
  const z = normalQuantile((1 + confidence) / 2);
  const score = (difference: number) => tangoScore(difference, { onlyFirst, onlySecond, rows });
  const low = bisect(-1, value, (difference) => score(difference) > z);
  const high = bisect(value, 1, (difference) => score(difference) > -z);
  return { value, low, high };
}

/** How many standard errors the counts lie above a difference, with the likeliest share of disagreement that the difference allows. */
function tangoScore(difference: number, counts: { onlyFirst: number; onlySecond: number; rows: number }): number {
  const { onlyFirst, onlySecond, rows } = counts;
  const gap = onlySecond - onlyFirst;
  const linear = (2 * rows - gap) * difference - onlyFirst - onlySecond;
  const constant = onlyFirst * difference * (1 - difference);
  const share = (Math.sqrt(Math.max(0, linear ** 2 + 8 * rows * constant)) - linear) / (4 * rows);
  const variance = rows * (2 * share + difference * (1 - difference));
  return (gap - rows * difference) / Math.sqrt(Math.max(Number.MIN_VALUE, variance));
}

/** Where a condition that holds at the lower end ceases to hold. */
function bisect(low: number, high: number, holds: (at: number) => boolean): number {
  if (Number.isNaN(low + high)) return Number.NaN;
  let [from, to] = [low, high];
  for (let i = 0; i < bisections; i++) {
    const middle = (from + to) / 2;
    if (holds(middle)) from = middle;
    else to = middle;
  }
  return (from + to) / 2;
}

/** The difference of two shares of different posts, the second minus the first, by Newcombe's hybrid score interval (1998). */
export function independentDifference(
  first: { right: number; rows: number },
  second: { right: number; rows: number },
): Estimate {
  const [a, b] = [wilsonInterval(first.right, first.rows), wilsonInterval(second.right, second.rows)];
  return {
    value: b.value - a.value,
    low: b.value - a.value - Math.hypot(b.value - b.low, a.high - a.value),
    high: b.value - a.value + Math.hypot(b.high - b.value, a.value - a.low),
  };
}
