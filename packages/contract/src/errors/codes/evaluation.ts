import type { ErrorRow } from '../error-row.ts';

/** Codes of evaluation. */
export const evaluationErrors = {
  CROSSCHECK_EVALUATION_LENGTHS: {
    meaning: 'probabilities, labels or group names are not one per row',
    remedy: 'pass one of each for every row',
  },
  CROSSCHECK_EVALUATION_BAD_LABEL: {
    meaning: 'a label is neither 0 (REAL) nor 1 (FAKE)',
    remedy: 'drop unlabelled rows, or map the labels first',
  },
  CROSSCHECK_EVALUATION_BAD_PROBABILITY: {
    meaning: 'a probability is NaN or outside [0, 1]',
    remedy: 'NaN: the model diverged, lower the learning rate; other values: pass logits through sigmoid first',
  },
  CROSSCHECK_EVALUATION_BAD_LOGIT: {
    meaning: 'a logit given for calibration is NaN or infinite',
    remedy: 'calibrate a checkpoint whose training did not diverge',
  },
  CROSSCHECK_EVALUATION_ONE_CLASS: {
    meaning: 'a temperature or threshold is fitted on rows of one class',
    remedy: 'use a validation split with REAL and FAKE rows',
  },
  CROSSCHECK_EVALUATION_BAD_RULE: {
    meaning:
      'a threshold rule has a negative cost or a rate outside [0, 1], an abstain target is outside (0, 1], or a threshold lies outside its abstain band',
    remedy: 'correct the number that the message shows',
  },
  CROSSCHECK_EVALUATION_TARGET_UNREACHABLE: {
    meaning: 'no abstain band makes the verdicts outside of it as accurate as asked for',
    remedy: 'lower `calibration.target_accuracy`, or train a better model',
  },
  CROSSCHECK_EVALUATION_MIXED_LABELS: {
    meaning: 'rows of one post carry different labels',
    remedy: 'correct the labels, or choose another group column',
  },
} as const satisfies Record<string, ErrorRow>;

/** Codes of report. */
export const reportErrors = {
  CROSSCHECK_REPORT_EMPTY: {
    meaning: 'training curves are asked for, but no epoch has a metric that they show',
    remedy: 'pass the epochs of a run that finished at least one',
  },
} as const satisfies Record<string, ErrorRow>;
