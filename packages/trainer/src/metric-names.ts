import { epochMetricNames } from '@crosscheck/contract';

/** The original's names of the best epoch's metrics. */
export const bestMetricNames = { 'val/loss': 'best_val_loss', 'val/accuracy': 'best_val_accuracy' } as const;

/** Accuracy on validation without a part of each post. */
export const ablationMetricNames = {
  textOnly: 'val/accuracy_text_only',
  imageOnly: 'val/accuracy_image_only',
  shuffled: 'val/accuracy_pairs_broken',
} as const;

export const calibrationMetricNames = [
  'calibration/temperature',
  'calibration/threshold',
  'calibration/ece_before',
  'calibration/ece',
] as const;

/** What a run can report when it ends: a sweep is sorted by one of these. */
export const runMetricNames: readonly string[] = [
  ...epochMetricNames,
  ...Object.values(bestMetricNames),
  ...Object.values(ablationMetricNames),
  ...calibrationMetricNames,
];
