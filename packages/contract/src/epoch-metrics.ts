/** What is measured of each split in every epoch of training, under the original's names. */
export const epochMetrics = ['loss', 'accuracy', 'precision', 'recall', 'f1', 'auc'] as const;

/** Their full names: `val/loss`, `val/accuracy`, …, `train/loss`, … */
export const epochMetricNames: readonly string[] = ['val', 'train'].flatMap((split) =>
  epochMetrics.map((name) => `${split}/${name}`),
);
