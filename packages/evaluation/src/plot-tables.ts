import { labelNames } from '@crosscheck/contract';
import { precisionRecallCurve, rocCurve } from './curves.ts';
import { calibrationBins } from './decision/calibration.ts';
import { checkScores } from './scored.ts';

/** Plot data in the shape and by the names that `dvc plots` and DVCLive read. One JSON file each. */
export interface PlotTables {
  confusion: { actual: string; predicted: string }[];
  roc: { roc: { fpr: number; tpr: number; threshold: number | null }[] };
  precision_recall: { precision_recall: { precision: number; recall: number; threshold: number | null }[] };
  calibration: { calibration: { prob_true: number; prob_pred: number }[] };
}

/** JSON has no infinity: the curve's end without verdicts gets null. */
function jsonThreshold<P extends { threshold: number }>(point: P): Omit<P, 'threshold'> & { threshold: number | null } {
  return { ...point, threshold: Number.isFinite(point.threshold) ? point.threshold : null };
}

/** Tables for `dvc plots`: confusion (one row per post), ROC, precision–recall and calibration. */
export function plotTables(probabilities: ArrayLike<number>, labels: ArrayLike<number>, threshold = 0.5): PlotTables {
  checkScores(probabilities, labels);
  const nameOf = (isFake: boolean) => labelNames[isFake ? 1 : 0];
  return {
    confusion: Array.from(labels, (label, i) => ({
      actual: nameOf(label === 1),
      predicted: nameOf((probabilities[i] as number) > threshold),
    })),
    roc: { roc: rocCurve(probabilities, labels).map(jsonThreshold) },
    precision_recall: { precision_recall: precisionRecallCurve(probabilities, labels).map(jsonThreshold) },
    calibration: {
      calibration: calibrationBins(probabilities, labels)
        .filter(({ rows }) => rows > 0)
        .map(({ shareFake, meanProbability }) => ({ prob_true: shareFake, prob_pred: meanProbability })),
    },
  };
}
