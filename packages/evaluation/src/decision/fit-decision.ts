import { type AbstainBand, CrosscheckError } from '@crosscheck/contract';
import { computeMetrics } from '../metrics.ts';
import { type AbstainTarget, type CoverageRow, fitAbstainBand, judgeOutside } from './abstain.ts';
import { applyTemperature, fitTemperature } from './temperature.ts';
import { chooseThreshold, type ThresholdRule } from './threshold.ts';

/** What is wanted of the step from logit to verdict. */
export interface DecisionRule {
  temperature: 'fit' | number;
  threshold: ThresholdRule | number;
  /** A target, a band, none, or a band that halves the share of mistakes where one leaves a verdict to a quarter of the rows. */
  abstain: AbstainTarget | AbstainBand | 'halve-mistakes' | null;
}

/** Fewer verdicts than this are not worth a band that nobody asked for. */
const leastCoverage = 0.25;

interface Quality {
  loss: number;
  brier: number;
  ece: number;
}

/** How logits become verdicts, and what that does on the rows it was fitted on. */
export interface FittedDecision {
  temperature: number;
  threshold: number;
  abstainBand: AbstainBand | null;
  /** What the band leaves; null without one. */
  abstaining: CoverageRow | null;
  /** Quality of the probabilities at temperature 1. */
  before: Quality;
  after: Quality;
  /** What the rows could not give, in plain words. */
  notes: string[];
}

/**
 * Fits temperature, threshold and abstain band, in this order, on held-out rows. Logits that separate the rows without a mistake, or
 * contradict their labels, have no temperature: theirs stays 1, with a note.
 *
 * @param logits [N] raw model outputs
 * @param labels [N] 0 REAL, 1 FAKE
 * @throws CROSSCHECK_EVALUATION_ONE_CLASS, CROSSCHECK_EVALUATION_BAD_LOGIT, CROSSCHECK_EVALUATION_BAD_RULE,
 * CROSSCHECK_EVALUATION_TARGET_UNREACHABLE
 */
export function fitDecision(logits: ArrayLike<number>, labels: ArrayLike<number>, rule: DecisionRule): FittedDecision {
  const notes: string[] = [];
  const temperature = rule.temperature === 'fit' ? findTemperature(logits, labels, notes) : rule.temperature;
  const probabilities = applyTemperature(logits, temperature);
  const threshold =
    typeof rule.threshold === 'number'
      ? rule.threshold
      : chooseThreshold(probabilities, labels, rule.threshold).threshold;
  const abstaining = findBand({ probabilities, labels, threshold }, rule, notes);
  return {
    temperature,
    threshold,
    abstainBand: abstaining?.band ?? null,
    abstaining,
    before: qualityOf(applyTemperature(logits, 1), labels),
    after: qualityOf(probabilities, labels),
    notes,
  };
}

function findTemperature(logits: ArrayLike<number>, labels: ArrayLike<number>, notes: string[]): number {
  const { temperature, atLimit } = fitTemperature(logits, labels);
  if (!atLimit) return temperature;
  const why = temperature < 1 ? 'separate these rows without a mistake' : 'do not agree with the labels of these rows';
  notes.push(`the logits ${why}, so no temperature fits best; it stays 1`);
  return 1;
}

interface Rows {
  probabilities: Float64Array;
  labels: ArrayLike<number>;
  threshold: number;
}

function findBand(
  { probabilities, labels, threshold }: Rows,
  { abstain: wanted }: DecisionRule,
  notes: string[],
): CoverageRow | null {
  if (wanted === null) return null;
  if (wanted === 'halve-mistakes') return halveMistakes({ probabilities, labels, threshold }, notes);
  if ('low' in wanted) {
    requireAround(wanted, threshold);
    return judgeOutside(probabilities, labels, threshold, wanted);
  }
  const fitted = fitAbstainBand(probabilities, labels, threshold, wanted);
  const goal = 'accuracy' in wanted ? `accuracy ${wanted.accuracy}` : `coverage ${wanted.coverage}`;
  if (fitted === null) {
    const message = `no band of probabilities leaves verdicts of ${goal} on these ${labels.length} rows; lower the target`;
    throw new CrosscheckError('CROSSCHECK_EVALUATION_TARGET_UNREACHABLE', message);
  }
  if (fitted.band === null) notes.push(`${goal} is met without abstaining, so there is no band`);
  return fitted.band && fitted;
}

function halveMistakes({ probabilities, labels, threshold }: Rows, notes: string[]): CoverageRow | null {
  const { accuracy } = computeMetrics(probabilities, labels, threshold);
  const fitted = fitAbstainBand(probabilities, labels, threshold, { accuracy: (1 + accuracy) / 2 });
  if (fitted && fitted.coverage >= leastCoverage) return fitted.band && fitted;
  notes.push(
    fitted
      ? `no abstain band: mistakes half as common would leave a verdict to only ${percent(fitted.coverage)} of these posts, so the model never answers UNSURE`
      : 'no abstain band makes mistakes half as common, so the model never answers UNSURE',
  );
  return null;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** @throws CROSSCHECK_EVALUATION_BAD_RULE when a threshold lies outside its band: some verdicts would contradict it */
function requireAround({ low, high }: AbstainBand, threshold: number): void {
  if (low <= threshold && threshold <= high) return;
  const message = `expected the abstain band around the threshold ${threshold}, got ${low} to ${high}; set both, or leave one to be fitted`;
  throw new CrosscheckError('CROSSCHECK_EVALUATION_BAD_RULE', message);
}

function qualityOf(probabilities: ArrayLike<number>, labels: ArrayLike<number>): Quality {
  const { loss, brier, ece } = computeMetrics(probabilities, labels);
  return { loss, brier, ece };
}
