import type { Facts } from './facts.ts';
import { limits } from './limits.ts';
import { overfits } from './overfitting.ts';

/** What helps, made from what the config leaves unused. Empty texts are left out. */
export type Remedy = (facts: Facts) => string;

/** `key=value`, for those of some settings that are not set so; all of them where the settings are not known. */
export function unused(facts: Facts, wanted: Readonly<Record<string, string>>): string[] {
  return Object.entries(wanted).flatMap(([key, value]) => (facts.settings?.[key] === value ? [] : [`${key}=${value}`]));
}

export const listed = (begin: string, options: readonly string[]) =>
  options.length === 0 ? '' : `${begin} ${options.join(', ').replace(/, ([^,]*)$/, ' or $1')}`;

const isUnbalanced = ({ commonest, trainingShare: share = 0.5 }: Facts) =>
  Math.max(commonest, share, 1 - share) >= limits.unbalanced;

/** What weighs the rarer label up; of no use where both are as common. */
export const balance: Remedy = (facts) =>
  isUnbalanced(facts)
    ? listed(
        'give the rarer label more weight with',
        unused(facts, {
          'training.class_balanced_sampling': 'true',
          'training.loss.pos_weight': 'balanced',
          'training.loss.name': 'focal',
        }),
      )
    : '';

/** A ranking that is better than chance can be cut elsewhere. */
export const moveThreshold: Remedy = ({ verdicts: { rocAuc } }) =>
  rocAuc.low > 0.5
    ? `it does rank posts (ROC-AUC ${rocAuc.value.toFixed(3)}), so pnpm calibrate calibration.threshold=f1 finds a better threshold`
    : '';

export const calibrate: Remedy = () =>
  'make the probabilities honest with pnpm calibrate, on posts that nothing else used';

/** Who learns by heart would only do so longer. */
export const moreEpochsOrPosts: Remedy = (facts) => {
  const begin = overfits(facts) === null ? 'train longer, or on more posts' : 'train on more posts';
  const options = unusedRows(facts).map((option) => `(${option})`);
  return listed(begin, options) || begin;
};

export const unusedRows = (facts: Facts) => (facts.settings ? unused(facts, { 'data.n_rows': '-1' }) : []);

export const lookAtPosts: Remedy = () => 'pnpm data:audit shows whether labels, images and texts are sound';

export const turnLabels: Remedy = () =>
  'look whether the labels are turned around (0 = REAL, 1 = FAKE), or model.positive_class=real was needed';

const overrideOf = (key: string, rate: number) => `${key}=${Number(rate.toPrecision(2))}`;

export const lowerRates: Remedy = ({ phases }) =>
  listed(
    'lower the rate:',
    phases.map(({ key, rate }) => overrideOf(key, 0.1 * rate)),
  );

/** Tenfold, but well below the rates that are called too high, or the one advice would lead to the other. */
export const higherRates: Remedy = ({ phases }) =>
  listed(
    'raise the rate:',
    phases.flatMap(({ key, rate }) => {
      const raised = Math.min(10 * rate, limits.highRate / 2);
      return raised > rate ? [overrideOf(key, raised)] : [];
    }),
  );

export const clip: Remedy = ({ settings }) =>
  settings?.['training.clip_norm'] === 'null' ? 'clip gradients: training.clip_norm=1.0' : '';
