import { computeMetrics } from './metrics.ts';

/** Outcome of one check, in the form that the Kedro system logs to MLflow. */
export interface CheckResult {
  passed: boolean;
  message: string;
  value: number;
}

export interface PredictionSet {
  /** Label ids given; anything that is not 0 or 1 is what the checks look for. */
  predictions: ArrayLike<number | null>;
  /** Probability of FAKE of each row. */
  probabilities: ArrayLike<number | null>;
  /** True labels, where known: with them `better_than_random` is checked too. */
  labels?: ArrayLike<number>;
  /** Rows that should have got a prediction; at least one when left out. */
  expectedCount?: number;
}

/** A prediction set in which one class has less than this share is suspicious: a collapsed model, or inverted labels. */
const smallestClassShare = 0.01;

function isMissing(value: number | null | undefined): boolean {
  return value === null || value === undefined || Number.isNaN(value);
}

function countOf<T>(values: ArrayLike<T>, predicate: (value: T) => boolean): number {
  return Array.from(values).filter(predicate).length;
}

function noneOf(count: number, what: string): CheckResult {
  return { passed: count === 0, message: count === 0 ? `no ${what}` : `${count} ${what}`, value: count };
}

function checkCount(got: number, expected: number | undefined): CheckResult {
  const passed = expected === undefined ? got > 0 : got === expected;
  return { passed, message: `${got} predictions${expected === undefined ? '' : ` for ${expected} rows`}`, value: got };
}

function checkDistribution(predictions: ArrayLike<number | null>): CheckResult {
  const value = countOf(predictions, (label) => label === 1) / predictions.length;
  const passed = value >= smallestClassShare && value <= 1 - smallestClassShare;
  const range = `expected ${100 * smallestClassShare} % to ${100 - 100 * smallestClassShare} %`;
  return { passed, message: `${(100 * value).toFixed(1)} % judged FAKE${passed ? '' : `, ${range}`}`, value };
}

/** ROC-AUC over the rows that can be ranked: a NaN probability is another check's finding. */
function checkBetterThanRandom(probabilities: ArrayLike<number | null>, labels: ArrayLike<number>): CheckResult {
  const usable = Array.from(labels, (_, i) => i).filter(
    (i) => !isMissing(probabilities[i]) && isProbability(probabilities[i]),
  );
  const value = computeMetrics(
    usable.map((i) => probabilities[i] as number),
    usable.map((i) => labels[i] as number),
  ).rocAuc;
  if (Number.isNaN(value)) return { passed: false, message: 'ROC-AUC is undefined: one class has no rows', value };
  return { passed: value > 0.5, message: `ROC-AUC ${value.toFixed(4)}, random is 0.5`, value };
}

function isProbability(value: number | null | undefined): boolean {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

/**
 * The Kedro system's seven checks of a finished prediction run, by its names. `better_than_random` needs labels and is left out without.
 * Bad values are findings here, never errors.
 */
export function predictionChecks(set: PredictionSet): Record<string, CheckResult> {
  const { predictions, probabilities, labels, expectedCount } = set;
  const notBinary = countOf(predictions, (label) => !isMissing(label) && label !== 0 && label !== 1);
  const outOfRange = countOf(probabilities, (p) => !isMissing(p) && !isProbability(p));
  return {
    no_null_predictions: noneOf(countOf(predictions, isMissing), 'null predictions'),
    valid_binary_predictions: noneOf(notBinary, 'predictions other than 0 and 1'),
    valid_probability_range: noneOf(outOfRange, 'probabilities outside [0, 1]'),
    no_null_probabilities: noneOf(countOf(probabilities, isMissing), 'null probabilities'),
    prediction_count: checkCount(predictions.length, expectedCount),
    class_distribution: checkDistribution(predictions),
    ...(labels === undefined ? {} : { better_than_random: checkBetterThanRandom(probabilities, labels) }),
  };
}
