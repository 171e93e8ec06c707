import { epochMetricNames } from '@crosscheck/contract';
import type { AblatedAccuracy, Estimate } from '@crosscheck/evaluation';
import { type AblationName, ablationNames } from '../evaluate/ablations.ts';

/** The original's names of the best epoch's metrics. */
export const bestMetricNames = { 'val/loss': 'best_val_loss', 'val/accuracy': 'best_val_accuracy' } as const;

/** Accuracy without a part of each post. */
const ablationMetricNames = {
  textOnly: 'accuracy_text_only',
  imageOnly: 'accuracy_image_only',
  shuffled: 'accuracy_pairs_broken',
} as const satisfies Record<AblationName, string>;

/** A paired difference as metrics: its value, the ends of its 95 % interval, and p where it has a test. */
export function differenceMetrics(name: string, { value, low, high }: Estimate, p?: number): Record<string, number> {
  const figures = { [name]: value, [`${name}_low`]: low, [`${name}_high`]: high, [`${name}_p`]: p ?? Number.NaN };
  return Object.fromEntries(Object.entries(figures).filter(([, figure]) => Number.isFinite(figure)));
}

/** Accuracies of the ablations and what each changes, as metrics of a split: `val/accuracy_text_only`, `val/accuracy_text_only_change`, … */
export function ablationMetrics(
  split: string,
  ablations: Readonly<Record<AblationName, AblatedAccuracy>>,
): Record<string, number> {
  const entries = ablationNames.map((name) => {
    const [metric, { value, change }] = [`${split}/${ablationMetricNames[name]}`, ablations[name]];
    return { [metric]: value, ...differenceMetrics(`${metric}_change`, change.difference, change.pValue) };
  });
  return Object.assign({}, ...entries) as Record<string, number>;
}

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
  ...Object.values(ablationMetricNames).flatMap((name) => [`val/${name}`, `val/${name}_change`]),
  ...calibrationMetricNames,
];
