import { bootstrapIntervals, computeMetrics } from '@crosscheck/evaluation';
import { type Prediction, predictionsOf } from '../predictions/prediction.ts';
import type { StoredResult } from '../predictions/stored-result.ts';
import type { OpenRun } from '../run/open-run.ts';
import type { TrainingOutcome } from '../run/run-all.ts';
import { decisionAfter, type Findings, scoredValidation } from './training-report.ts';

/** Validation as the best checkpoint judges it: every verdict, and the figures in the shape of `eval_results.json`. */
export function validationResults(
  { config, manifests: { train, val } }: OpenRun,
  { best }: TrainingOutcome,
  findings: Findings,
): { predictions: Prediction[]; result: StoredResult } {
  const { probabilities, labels } = scoredValidation(findings);
  const { threshold, temperature } = decisionAfter(findings.calibration);
  const { id_column, resamples } = config.evaluation;
  const idColumn = id_column !== null && val.columns.includes(id_column) ? id_column : null;
  const { indices } = findings.judged;
  return {
    predictions: predictionsOf({ probabilities, labels, indices }, val.samples, { split: 'val', threshold, idColumn }),
    result: {
      model: best?.path ?? '',
      name: config.model.name,
      version: config.training.version,
      split: 'val',
      rows: labels.length,
      data: val.rows,
      trainedOn: train.rows,
      threshold,
      temperature,
      metrics: bootstrapIntervals(probabilities, labels, { threshold, resamples, seed: config.training.seed }),
      confusion: computeMetrics(probabilities, labels, threshold).confusion,
    },
  };
}
