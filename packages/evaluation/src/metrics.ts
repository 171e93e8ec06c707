import { positionInBins } from './decision/calibration.ts';
import { type Scored, sortScores } from './scored.ts';

/** Counts at a threshold; FAKE (1) is the positive class. */
export interface Confusion {
  /** REAL, judged REAL. */
  tn: number;
  /** REAL, judged FAKE. */
  fp: number;
  /** FAKE, judged REAL. */
  fn: number;
  /** FAKE, judged FAKE. */
  tp: number;
}

/** The numbers that every evaluation reports, in the order of its tables. */
export const metricNames = [
  'accuracy',
  'balancedAccuracy',
  'precision',
  'recall',
  'specificity',
  'f1',
  'rocAuc',
  'averagePrecision',
  'fprAt95Tpr',
  'loss',
  'brier',
  'ece',
] as const;

export type MetricName = (typeof metricNames)[number];

/** The metrics where less is better. */
export const lowerIsBetter: ReadonlySet<MetricName> = new Set<MetricName>(['fprAt95Tpr', 'loss', 'brier', 'ece']);

export type Metrics = Record<MetricName, number> & {
  /** FAKE iff probability > threshold, strictly. */
  threshold: number;
  rows: number;
  confusion: Confusion;
};

/** Equal-width bins of the expected calibration error, unless asked otherwise. */
export const defaultBins = 15;

/** Probabilities are kept this far from 0 and 1 in the log loss, as scikit-learn does for float64. */
const logLossEpsilon = Number.EPSILON;

/** What a pass over the sorted rows needs beside the rows themselves; computed once, also for a thousand resamples. */
export interface Prepared {
  scored: Scored;
  threshold: number;
  /** [N] squared error of each row. */
  squaredErrors: Float64Array;
  /** [N] negative log likelihood of each row. */
  losses: Float64Array;
  /** [N] calibration bin of each row. */
  bins: Uint8Array;
  binCount: number;
}

/** What one post adds to the log loss: 0 for the right answer with certainty, ln 2 for 0.5. */
export function logLoss(probability: number, label: number): number {
  return -Math.log(Math.max(logLossEpsilon, label === 1 ? probability : 1 - probability));
}

export function prepare(scored: Scored, threshold: number, binCount = defaultBins): Prepared {
  const { probabilities, labels } = scored;
  return {
    scored,
    threshold,
    binCount,
    squaredErrors: probabilities.map((p, i) => (p - (labels[i] as number)) ** 2),
    losses: probabilities.map((p, i) => logLoss(p, labels[i] as number)),
    bins: Uint8Array.from(probabilities, (p) => positionInBins(p, binCount)),
  };
}

/** Rates of a confusion matrix. NaN where the rows cannot answer; 0 where the model never said FAKE (as in scikit-learn). */
export function ratesOf({ tn, fp, fn, tp }: Confusion) {
  const recall = tp / (tp + fn);
  const specificity = tn / (tn + fp);
  return {
    accuracy: (tp + tn) / (tp + tn + fp + fn),
    balancedAccuracy: (recall + specificity) / 2,
    precision: tp + fp === 0 && fn + tn > 0 ? 0 : tp / (tp + fp),
    recall,
    specificity,
    f1: (2 * tp) / (2 * tp + fp + fn),
  };
}

interface Ranking {
  rocAuc: number;
  averagePrecision: number;
  fprAt95Tpr: number;
  confusion: Confusion;
}

/** One walk down the ranking; row i counts `weights[i]` times (once without weights). */
function walkRanking({ scored, threshold }: Prepared, weights: Uint16Array | null): Ranking {
  const { rows, probabilities, labels, closesTie } = scored;
  let [positives, negatives] = [0, 0];
  for (let i = 0; i < rows; i++) {
    const weight = weights === null ? 1 : (weights[i] as number);
    if (labels[i] === 1) positives += weight;
    else negatives += weight;
  }
  let [tp, fp, tpBefore, fpBefore, area, precisionSum] = [0, 0, 0, 0, 0, 0];
  let [tpAtThreshold, fpAtThreshold, fpAt95] = [0, 0, -1];
  for (let i = 0; i < rows; i++) {
    const weight = weights === null ? 1 : (weights[i] as number);
    if (labels[i] === 1) tp += weight;
    else fp += weight;
    if (closesTie[i] === 0) continue;
    area += ((fp - fpBefore) * (tp + tpBefore)) / 2;
    if (tp > tpBefore) precisionSum += ((tp - tpBefore) * tp) / (tp + fp);
    if (fpAt95 < 0 && tp / positives >= 0.95) fpAt95 = fp;
    if ((probabilities[i] as number) > threshold) [tpAtThreshold, fpAtThreshold] = [tp, fp];
    [tpBefore, fpBefore] = [tp, fp];
  }
  return {
    rocAuc: area / (positives * negatives),
    averagePrecision: precisionSum / positives,
    fprAt95Tpr: positives === 0 ? Number.NaN : fpAt95 / negatives,
    confusion: {
      tn: negatives - fpAtThreshold,
      fp: fpAtThreshold,
      fn: positives - tpAtThreshold,
      tp: tpAtThreshold,
    },
  };
}

/** Means over the rows that need no order: log loss, Brier score, expected calibration error. */
function averageErrors(prepared: Prepared, weights: Uint16Array | null): Pick<Metrics, 'loss' | 'brier' | 'ece'> {
  const { scored, squaredErrors, losses, bins, binCount } = prepared;
  const gaps = new Float64Array(binCount);
  let [total, loss, brier] = [0, 0, 0];
  for (let i = 0; i < scored.rows; i++) {
    const weight = weights === null ? 1 : (weights[i] as number);
    const bin = bins[i] as number;
    total += weight;
    loss += weight * (losses[i] as number);
    brier += weight * (squaredErrors[i] as number);
    gaps[bin] = (gaps[bin] as number) + weight * ((scored.labels[i] as number) - (scored.probabilities[i] as number));
  }
  const ece = gaps.reduce((sum, gap) => sum + Math.abs(gap), 0);
  return { loss: loss / total, brier: brier / total, ece: ece / total };
}

/** All metrics of prepared rows, each counted as often as its weight says. */
export function evaluatePrepared(prepared: Prepared, weights: Uint16Array | null): Omit<Metrics, 'threshold' | 'rows'> {
  const { confusion, ...ranking } = walkRanking(prepared, weights);
  return { ...ratesOf(confusion), ...ranking, ...averageErrors(prepared, weights), confusion };
}

/**
 * Computes every headline metric of a binary verdict; FAKE (1) is the positive class.
 *
 * A metric is NaN when the rows cannot answer: all of them without rows; recall, ROC-AUC and average precision without FAKE rows;
 * specificity, ROC-AUC and FPR at 95 % TPR without REAL rows. Precision is 0 when nothing was judged FAKE. Definitions are
 * scikit-learn's, tested against it: ROC-AUC counts ties half, average precision is the step sum, `loss` is the log loss,
 * `fprAt95Tpr` the lowest false-positive rate among the thresholds with a true-positive rate of at least 0.95, and `ece` weighs
 * |share of FAKE − mean probability| over equal-width bins of the probability.
 *
 * @param probabilities [N] probability of FAKE, in [0, 1]
 * @param labels [N] 0 REAL, 1 FAKE
 * @param threshold FAKE iff probability > threshold, strictly
 * @throws CROSSCHECK_EVALUATION_LENGTHS, CROSSCHECK_EVALUATION_BAD_LABEL, CROSSCHECK_EVALUATION_BAD_PROBABILITY
 * @example computeMetrics([0.9, 0.2, 0.6], [1, 0, 0], 0.5).accuracy // 0.667
 */
export function computeMetrics(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  threshold = 0.5,
  options: { bins?: number } = {},
): Metrics {
  const scored = sortScores(probabilities, labels);
  return { ...evaluatePrepared(prepare(scored, threshold, options.bins), null), threshold, rows: scored.rows };
}
