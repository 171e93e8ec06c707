import { createRandom } from '@crosscheck/contract';
import { type Confusion, evaluatePrepared, type MetricName, metricNames, prepare } from './metrics.ts';
import { sortScores } from './scored.ts';

/** A number with its confidence interval. NaN ends mean that the rows cannot give one. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

export interface BootstrapOptions {
  threshold?: number;
  /** Resamples drawn; more give steadier ends, 1,000 steady to about the second digit. */
  resamples?: number;
  /** Share of resamples inside the interval. */
  confidence?: number;
  seed?: number;
  /** Bins of the calibration error. */
  bins?: number;
}

/** Linear interpolation between order statistics (numpy's default). */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}

/**
 * Metrics whose resamples are larger on average than the sample's own value, by as much as the sample's is larger than the truth: bins of
 * resampled rows are lumpier. Their intervals are moved back by that bias, or they would lie beside the value.
 */
const biasedUpwards: ReadonlySet<MetricName> = new Set<MetricName>(['ece']);

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A sample's own value of a metric, or of a difference of it, and its values in the resamples. */
export interface Drawn {
  value: number;
  drawn: Float64Array;
  confidence: number;
  /** An end that is moved by the bias stays above: 0 for a metric, -1 for a difference. */
  least: number;
}

export function estimateOf(name: MetricName, { value, drawn, confidence, least }: Drawn): Estimate {
  const finite = drawn.filter((resampled) => !Number.isNaN(resampled)).sort();
  const tail = (1 - confidence) / 2;
  const bias = biasedUpwards.has(name) ? meanOf(finite) - value : 0;
  const moved = (end: number) => (bias === 0 ? end : Math.max(least, end - bias));
  return { value, low: moved(percentile(finite, tail)), high: moved(percentile(finite, 1 - tail)) };
}

/** Draws as many rows as there are, with replacement, and counts how often each was drawn. */
export function drawRows(counts: Uint16Array, random: { int(below: number): number }): void {
  counts.fill(0);
  for (let draw = 0; draw < counts.length; draw++) {
    const row = random.int(counts.length);
    counts[row] = (counts[row] as number) + 1;
  }
}

/**
 * Estimates every metric with a percentile bootstrap interval (Efron 1979): rows are drawn with replacement, and each resample is
 * evaluated by the same code as the rows themselves. Seeded, so the same rows give the same interval. Resamples in which a metric
 * is undefined (one class missing) are left out for that metric. The calibration error's interval is corrected for its bias; accuracy, and
 * precision, recall and specificity of 0 or 1, have Wilson's interval.
 *
 * @throws CROSSCHECK_EVALUATION_LENGTHS, CROSSCHECK_EVALUATION_BAD_LABEL, CROSSCHECK_EVALUATION_BAD_PROBABILITY
 * @example bootstrapIntervals(probabilities, labels, { threshold: 0.5, seed: 42 }).rocAuc // { value, low, high }
 */
export function bootstrapIntervals(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  options: BootstrapOptions = {},
): Record<MetricName, Estimate> {
  const { threshold = 0.5, resamples = 1000, confidence = 0.95, seed = 42 } = options;
  const prepared = prepare(sortScores(probabilities, labels), threshold, options.bins);
  const { rows } = prepared.scored;
  const random = createRandom(seed, 'bootstrap');
  const counts = new Uint16Array(rows);
  const drawn = metricNames.map(() => new Float64Array(resamples));
  for (let sample = 0; sample < resamples; sample++) {
    drawRows(counts, random);
    const metrics = evaluatePrepared(prepared, counts);
    metricNames.forEach((name, i) => ((drawn[i] as Float64Array)[sample] = metrics[name]));
  }
  const point = evaluatePrepared(prepared, null);
  const estimates = metricNames.map((name, i) => {
    const own = { value: point[name], drawn: drawn[i] as Float64Array, confidence, least: 0 };
    return [name, widenedAt(name, point, estimateOf(name, own), confidence)] as const;
  });
  return Object.fromEntries(estimates) as Record<MetricName, Estimate>;
}

/** Rows of which a metric is a share. */
function trialsOf({ tn, fp, fn, tp }: Confusion): Partial<Record<MetricName, number>> {
  return { accuracy: tn + fp + fn + tp, precision: tp + fp, recall: tp + fn, specificity: tn + fp };
}

/**
 * Accuracy is a share of a fixed number of rows and has Wilson's interval wherever it stands, so that no two places disagree. The other shares get it
 * at 0 and 1: rows without a mistake give resamples without one, which is no certainty.
 */
export function widenedAt(
  name: MetricName,
  { confusion }: { confusion: Confusion },
  estimate: Estimate,
  confidence = 0.95,
): Estimate {
  const { value, low, high } = estimate;
  const trials = trialsOf(confusion)[name];
  if (trials === undefined || trials === 0) return estimate;
  const isCertain = (value === 0 || value === 1) && low === high;
  return name === 'accuracy' || isCertain ? wilsonInterval(value * trials, trials, confidence) : estimate;
}

/** Coefficients of Acklam's rational approximation to the normal quantile (2003), relative error below 1.15e-9. */
const acklam = {
  a: [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ],
  b: [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1],
};

function horner(coefficients: number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}

/** Normal quantile for the central range, which holds every confidence level up to 95.15 %; beyond it, by the tail formula. */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (p < 0.97575) return (q * horner(acklam.a, q * q)) / horner(acklam.b, q * q);
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
  const tail = Math.sqrt(-2 * Math.log(1 - p));
  return -horner(c, tail) / horner(d, tail);
}

/**
 * Wilson's score interval of a proportion (Wilson 1927): sensible near 0 and 1 and for few rows, where ±1.96 σ is not.
 * NaN without trials.
 */
export function wilsonInterval(successes: number, trials: number, confidence = 0.95): Estimate {
  const z = normalQuantile((1 + confidence) / 2);
  const value = successes / trials;
  const scale = 1 + z ** 2 / trials;
  const centre = (value + z ** 2 / (2 * trials)) / scale;
  const half = (z / scale) * Math.sqrt((value * (1 - value)) / trials + z ** 2 / (4 * trials ** 2));
  return { value, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
