import { CrosscheckError } from '@crosscheck/contract';
import { stepsOf } from '../curves.ts';
import { type Confusion, computeMetrics, type Metrics, ratesOf } from '../metrics.ts';
import { pairedAccuracy } from '../paired/accuracy-difference.ts';
import { requireBothClasses, sortScores } from '../scored.ts';

/** What a threshold should achieve on the rows it is chosen on. */
export type ThresholdRule =
  /** Fewest wrong verdicts, where McNemar's exact test tells them from those at 0.5; else 0.5. */
  | { kind: 'mistakes' }
  /** Highest F1 of FAKE. */
  | { kind: 'f1' }
  /** Lowest summed price of wrong verdicts: a REAL post called FAKE, a FAKE post called REAL. */
  | { kind: 'cost'; falsePositive: number; falseNegative: number }
  /** Most FAKE posts found while at most this share of REAL posts is called FAKE. */
  | { kind: 'fpr'; maximum: number };

export interface ThresholdChoice {
  threshold: number;
  rule: ThresholdRule;
  metrics: Metrics;
}

interface Candidate {
  threshold: number;
  confusion: Confusion;
}

/** Between two neighbouring probabilities, so that small numeric differences in serving do not flip a verdict. */
function between(higher: number, lower: number): number {
  const middle = (higher + lower) / 2;
  return middle < higher ? middle : lower;
}

/** One threshold per distinct set of verdicts. */
function candidatesOf(probabilities: ArrayLike<number>, labels: ArrayLike<number>): Candidate[] {
  const steps = stepsOf(sortScores(probabilities, labels));
  const { tp: positives, fp: negatives } = steps.at(-1) as { tp: number; fp: number };
  return steps.flatMap(({ threshold: lowestFake, tp, fp }, i) => {
    const higher = Math.min(1, lowestFake);
    const lower = steps[i + 1]?.threshold ?? 0;
    if (i > 0 && lower >= lowestFake) return []; // a probability of exactly 0 is FAKE at no threshold
    const confusion = { tn: negatives - fp, fp, fn: positives - tp, tp };
    return [{ threshold: between(higher, lower), confusion }];
  });
}

/** Higher is better; −Infinity is not allowed. */
function scoreOf(rule: ThresholdRule, confusion: Confusion): number {
  const { fp, fn, tn, tp } = confusion;
  switch (rule.kind) {
    case 'mistakes':
      return -(fp + fn);
    case 'f1':
      return ratesOf(confusion).f1;
    case 'cost':
      return -(rule.falsePositive * fp + rule.falseNegative * fn);
    case 'fpr':
      return fp / (fp + tn) <= rule.maximum ? tp / (tp + fn) : Number.NEGATIVE_INFINITY;
  }
}

const significance = 0.05;

/** Whether chance explains what verdicts at this threshold have before those at 0.5. */
function isLikeHalf(threshold: number, probabilities: ArrayLike<number>, labels: ArrayLike<number>): boolean {
  const at = (one: number) => ({ probabilities, threshold: one });
  return pairedAccuracy(at(0.5), at(threshold), labels).pValue >= significance;
}

function checkRule(rule: ThresholdRule): void {
  const numbers = Object.values(rule).filter((value) => typeof value === 'number');
  if (numbers.every((value) => value >= 0 && Number.isFinite(value)) && !(rule.kind === 'fpr' && rule.maximum > 1))
    return;
  const expected = 'costs of at least 0, or a largest false-positive rate in [0, 1]';
  throw new CrosscheckError('CROSSCHECK_EVALUATION_BAD_RULE', `expected ${expected}, got ${JSON.stringify(rule)}`);
}

/**
 * Chooses the threshold that the rule likes best, by the product's own verdict (FAKE iff probability > threshold). Thresholds lie halfway
 * between neighbouring probabilities; among equally good ones the one nearest to 0.5 wins.
 *
 * @throws CROSSCHECK_EVALUATION_ONE_CLASS, CROSSCHECK_EVALUATION_BAD_RULE, and those of `computeMetrics`
 * @example chooseThreshold(probabilities, labels, { kind: 'fpr', maximum: 0.05 }).threshold
 */
export function chooseThreshold(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  rule: ThresholdRule = { kind: 'f1' },
): ThresholdChoice {
  checkRule(rule);
  const candidates = candidatesOf(probabilities, labels);
  requireBothClasses(labels, 'choose a threshold');
  const scores = candidates.map(({ confusion }) => scoreOf(rule, confusion));
  const best = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const equallyGood = candidates.filter((_, i) => scores[i] === best);
  const chosen = equallyGood.reduce((a, b) => (Math.abs(b.threshold - 0.5) < Math.abs(a.threshold - 0.5) ? b : a));
  const isChance = rule.kind === 'mistakes' && isLikeHalf(chosen.threshold, probabilities, labels);
  const threshold = isChance ? 0.5 : chosen.threshold;
  return { threshold, rule, metrics: computeMetrics(probabilities, labels, threshold) };
}
