import { type Confusion, ratesOf } from './metrics.ts';
import { type Scored, sortScores } from './scored.ts';

/** A point of the ROC curve: verdicts at "FAKE iff probability ≥ threshold". */
export interface RocPoint {
  fpr: number;
  tpr: number;
  /** Infinity in the first point, where nothing is FAKE. */
  threshold: number;
}

export interface PrecisionRecallPoint {
  precision: number;
  recall: number;
  /** Infinity in the point without verdicts, whose precision is 1 by convention. */
  threshold: number;
}

/** Verdict quality at one threshold. */
export interface ThresholdPoint extends ReturnType<typeof ratesOf> {
  threshold: number;
  confusion: Confusion;
}

/** Counts of FAKE verdicts above each distinct probability, from none to all. */
interface Step {
  threshold: number;
  tp: number;
  fp: number;
}

export function stepsOf({ rows, probabilities, labels, closesTie }: Scored): Step[] {
  const steps: Step[] = [{ threshold: Number.POSITIVE_INFINITY, tp: 0, fp: 0 }];
  let [tp, fp] = [0, 0];
  for (let i = 0; i < rows; i++) {
    if (labels[i] === 1) tp++;
    else fp++;
    if (closesTie[i] === 1) steps.push({ threshold: probabilities[i] as number, tp, fp });
  }
  return steps;
}

function totalsOf(steps: Step[]): { positives: number; negatives: number } {
  const last = steps.at(-1) as Step;
  return { positives: last.tp, negatives: last.fp };
}

/**
 * The ROC curve, one point per distinct probability (scikit-learn's `roc_curve` with `drop_intermediate=False`).
 * Empty when a class has no rows.
 */
export function rocCurve(probabilities: ArrayLike<number>, labels: ArrayLike<number>): RocPoint[] {
  const steps = stepsOf(sortScores(probabilities, labels));
  const { positives, negatives } = totalsOf(steps);
  if (positives === 0 || negatives === 0) return [];
  return steps.map(({ threshold, tp, fp }) => ({ fpr: fp / negatives, tpr: tp / positives, threshold }));
}

/**
 * The precision–recall curve, recall falling as the threshold rises (scikit-learn's `precision_recall_curve`). Empty without FAKE rows.
 */
export function precisionRecallCurve(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
): PrecisionRecallPoint[] {
  const steps = stepsOf(sortScores(probabilities, labels));
  const { positives } = totalsOf(steps);
  if (positives === 0) return [];
  return steps.reverse().map(({ threshold, tp, fp }) => ({
    precision: tp + fp === 0 ? 1 : tp / (tp + fp),
    recall: tp / positives,
    threshold,
  }));
}

/**
 * Verdict quality at evenly spaced thresholds from 0 to 1, by the product's own rule (FAKE iff probability > threshold).
 *
 * @param points number of thresholds, both ends included
 */
export function sweepThresholds(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  points = 101,
): ThresholdPoint[] {
  const scored = sortScores(probabilities, labels);
  const steps = stepsOf(scored);
  const { positives, negatives } = totalsOf(steps);
  let above = steps.length - 1;
  return Array.from({ length: points }, (_, i) => {
    const threshold = i / (points - 1);
    while (above > 0 && (steps[above] as Step).threshold <= threshold) above--;
    const { tp, fp } = steps[above] as Step;
    const confusion = { tn: negatives - fp, fp, fn: positives - tp, tp };
    return { threshold, confusion, ...ratesOf(confusion) };
  });
}
