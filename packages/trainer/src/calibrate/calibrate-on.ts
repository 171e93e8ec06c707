import type { TrainConfig } from '@crosscheck/config';
import { type Calibration, CrosscheckError, type Decision, type RowSet, type SeenRows } from '@crosscheck/contract';
import {
  applyTemperature,
  bootstrapIntervals,
  type DecisionRule,
  type Diagnosis,
  diagnose,
  type FittedDecision,
  fitDecision,
  type ThresholdRule,
  verdictsOf,
} from '@crosscheck/evaluation';
import type { SplitRows } from '../data/divide-split.ts';
import { type RowUse, usesOf } from './seen-rows.ts';

type Settings = TrainConfig['calibration'];

/** Posts that were judged to calibrate on. N answers. */
export interface CalibrationAnswers {
  manifest: SplitRows;
  /** [N] */
  logits: ArrayLike<number>;
  /** [N] */
  labels: ArrayLike<number>;
}

export interface CalibrationResult {
  /** What the checkpoint will say. */
  decision: Decision & { calibration: Calibration };
  fitted: FittedDecision;
  /** What readers of the result should know. */
  warnings: string[];
  /** What is wrong with the model on these posts. */
  diagnoses: Diagnosis[];
}

/**
 * Fits what `calibration.*` asks for.
 *
 * @throws CROSSCHECK_CALIBRATION_USED_ROWS, and what `fitDecision` throws
 */
export function calibrateOn(
  { manifest, logits, labels }: CalibrationAnswers,
  { seenRows }: Pick<Decision, 'seenRows'>,
  settings: Settings,
): CalibrationResult {
  const warnings = requireUnused(manifest.rows, seenRows, settings);
  const isRanking = ranksBetterThanChance(logits, labels);
  if (!isRanking) warnings.push(...defaultsLeftOut(settings));
  const fitted = fitDecision(logits, labels, ruleOf(settings, isRanking));
  const { temperature, threshold, abstainBand, abstaining, before, after } = fitted;
  const calibration: Calibration = {
    split: settings.split,
    rows: manifest.rows,
    posts: labels.length,
    usedBefore: (usesOf(manifest.rows, { seenRows }) ?? []).filter((use) => use !== 'calibration'),
    ...describeRule(settings, isRanking),
    before,
    after,
    coverage: abstaining?.coverage ?? null,
    accuracy: abstaining && abstaining.rows > 0 ? abstaining.accuracy.value : null,
  };
  const decision = {
    temperature,
    threshold,
    calibration,
    ...(abstainBand && { abstainBand }),
    ...(seenRows && { seenRows }),
  };
  const verdicts = verdictsOf(applyTemperature(logits, temperature), labels, threshold);
  return { decision, fitted, warnings: [...warnings, ...fitted.notes], diagnoses: diagnose({ verdicts, temperature }) };
}

/**
 * What speaks against calibrating on some rows.
 *
 * @throws CROSSCHECK_CALIBRATION_USED_ROWS with `calibration.on_used_rows=error`
 */
export function requireUnused(rows: RowSet, seenRows: SeenRows | undefined, settings: Settings): string[] {
  const uses = usesOf(rows, { seenRows });
  const warnings = uses === null ? [unknownRows] : uses.map((use) => warnOfUse(use, settings));
  if (warnings.length > 0 && settings.on_used_rows === 'error') throw usedRows(warnings);
  return warnings;
}

const unknownRows = 'the checkpoint does not say which posts it was trained on, so these may be among them';

function warnOfUse(use: RowUse, { split }: Settings): string {
  const advice = split === 'val' ? 'train with calibration.holdout, or set calibration.split=test' : 'name another CSV';
  return `these posts were also used for ${use}, so probabilities look more honest here than they are; ${advice}`;
}

function usedRows(warnings: string[]): CrosscheckError {
  const message = `${warnings.join('; ')}; calibration.on_used_rows=warn goes on all the same, and says so in every result`;
  return new CrosscheckError('CROSSCHECK_CALIBRATION_USED_ROWS', message);
}

/** Whether there is anything that a threshold or a band could be chosen by. */
function ranksBetterThanChance(logits: ArrayLike<number>, labels: ArrayLike<number>): boolean {
  return bootstrapIntervals(applyTemperature(logits, 1), labels).rocAuc.low > 0.5;
}

function defaultsLeftOut(settings: Settings): string[] {
  const left = [
    ...(settings.threshold === 'auto' ? ['the threshold stays 0.5'] : []),
    ...(isAbstainAuto(settings) ? ['there is no abstain band'] : []),
  ];
  return left.length === 0 ? [] : [`the ranking of these posts cannot be told from chance, so ${left.join(' and ')}`];
}

const isAbstainAuto = ({ target_accuracy, target_coverage, abstain_band }: Settings) =>
  target_accuracy === 'auto' && target_coverage === null && abstain_band === null;

function ruleOf(settings: Settings, isRanking: boolean): DecisionRule {
  return {
    temperature: settings.temperature,
    threshold: thresholdRule(settings, isRanking),
    abstain: abstainRule(settings, isRanking),
  };
}

/** A band that was set by hand lies around 0.5. */
const isFittedByDefault = ({ abstain_band }: Settings, isRanking: boolean) => isRanking && abstain_band === null;

function thresholdRule(settings: Settings, isRanking: boolean): ThresholdRule | number {
  const { threshold, false_positive_cost: falsePositive, false_negative_cost: falseNegative } = settings;
  if (typeof threshold === 'number') return threshold;
  const rules: Record<typeof threshold, ThresholdRule | number> = {
    auto: isFittedByDefault(settings, isRanking) ? { kind: 'mistakes' } : 0.5,
    f1: { kind: 'f1' },
    cost: { kind: 'cost', falsePositive, falseNegative },
    fpr: { kind: 'fpr', maximum: settings.max_false_positive_rate },
  };
  return rules[threshold];
}

function abstainRule(settings: Settings, isRanking: boolean): DecisionRule['abstain'] {
  const { target_accuracy, target_coverage, abstain_band } = settings;
  if (abstain_band !== null) return { low: abstain_band[0], high: abstain_band[1] };
  if (typeof target_accuracy === 'number') return { accuracy: target_accuracy };
  if (target_coverage !== null) return { coverage: target_coverage };
  return target_accuracy === 'auto' && isRanking ? 'halve-mistakes' : null;
}

/** The rule in words, as artifacts and reports show it. */
function describeRule(
  settings: Settings,
  isRanking: boolean,
): Pick<Calibration, 'temperature' | 'threshold' | 'abstain'> {
  const given = 'set by hand';
  const thresholds: Record<string, string> = {
    auto: isFittedByDefault(settings, isRanking)
      ? '0.5 unless another one makes fewer mistakes beyond chance, the default'
      : 'the default',
    f1: 'highest F1',
    cost: `lowest cost, ${settings.false_positive_cost} for a REAL post called FAKE, ${settings.false_negative_cost} for a FAKE one called REAL`,
    fpr: `most FAKE found while at most ${settings.max_false_positive_rate} of REAL posts are called FAKE`,
  };
  return {
    temperature: settings.temperature === 'fit' ? 'lowest log loss' : given,
    threshold: thresholds[settings.threshold] ?? given,
    abstain: describeAbstaining(settings),
  };
}

function describeAbstaining(settings: Settings): string {
  const { target_accuracy, target_coverage, abstain_band } = settings;
  if (abstain_band !== null) return 'set by hand';
  if (typeof target_accuracy === 'number') return `narrowest for verdicts of accuracy ${target_accuracy}`;
  if (target_coverage !== null) return `widest that leaves a verdict to ${target_coverage} of the posts`;
  return target_accuracy === 'auto' ? 'narrowest that makes mistakes half as common, the default' : 'none';
}
