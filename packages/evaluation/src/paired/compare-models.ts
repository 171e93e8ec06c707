import { createRandom } from '@crosscheck/contract';
import { type BootstrapOptions, drawRows, type Estimate, estimateOf, widenedAt } from '../intervals.ts';
import { type Confusion, evaluatePrepared, type MetricName, metricNames, type Prepared, prepare } from '../metrics.ts';
import { sortScores } from '../scored.ts';
import { independentDifference, type Judgement, type PairedAccuracy, pairedAccuracy } from './accuracy-difference.ts';

/** One model's answers on labelled posts. */
export interface JudgedRows extends Judgement {
  /** [N] 0 REAL, 1 FAKE */
  labels: ArrayLike<number>;
}

export interface MetricComparison {
  first: Estimate;
  second: Estimate;
  /** The second minus the first. */
  difference: Estimate;
}

export interface ModelComparison {
  metrics: Record<MetricName, MetricComparison>;
  /** Who is right where; null for models that judged different posts. */
  pairs: PairedAccuracy | null;
}

type CompareOptions = Omit<BootstrapOptions, 'threshold'>;

/**
 * Compares two models on the same posts, in the same order: every metric of both with 95 % intervals, and their differences by a paired
 * bootstrap, in which each resample draws the same posts for both. What makes a post hard for both then cancels out, so the interval of the
 * difference is far narrower than those of the two values suggest. The accuracies' difference gets Tango's score interval and McNemar's exact test.
 *
 * @throws CROSSCHECK_EVALUATION_LENGTHS, CROSSCHECK_EVALUATION_BAD_LABEL, CROSSCHECK_EVALUATION_BAD_PROBABILITY
 */
export function compareOnSameRows(
  first: Judgement,
  second: Judgement,
  labels: ArrayLike<number>,
  options: CompareOptions = {},
): ModelComparison {
  const pairs = pairedAccuracy(first, second, labels);
  const [a, b] = [open({ ...first, labels }, options), open({ ...second, labels }, options)];
  const random = createRandom(options.seed ?? 42, 'paired bootstrap');
  const counts = new Uint16Array(labels.length);
  const metrics = compareDraws(a, b, options, () => {
    drawRows(counts, random);
    return [counts, counts];
  });
  return { metrics: { ...metrics, accuracy: { ...metrics.accuracy, difference: pairs.difference } }, pairs };
}

/** The same for models that judged different posts: both are resampled on their own, and chance counts twice. */
export function compareOnOtherRows(
  first: JudgedRows,
  second: JudgedRows,
  options: CompareOptions = {},
): ModelComparison {
  const [a, b] = [open(first, options), open(second, options)];
  const sides = [first, second].map(({ labels }, side) => ({
    counts: new Uint16Array(labels.length),
    random: createRandom(options.seed ?? 42, 'bootstrap', side),
  })) as [Side, Side];
  const metrics = compareDraws(a, b, options, () => {
    for (const { counts, random } of sides) drawRows(counts, random);
    return [sides[0].counts, sides[1].counts];
  });
  const difference = independentDifference(rightOf(a.point.confusion), rightOf(b.point.confusion));
  return { metrics: { ...metrics, accuracy: { ...metrics.accuracy, difference } }, pairs: null };
}

interface Side {
  counts: Uint16Array;
  random: ReturnType<typeof createRandom>;
}

const rightOf = ({ tn, fp, fn, tp }: Confusion) => ({ right: tn + tp, rows: tn + fp + fn + tp });

/** A model's rows in the order of its own ranking, ready to be evaluated again and again. */
interface OpenModel {
  prepared: Prepared;
  point: ReturnType<typeof evaluatePrepared>;
  /** [N] counts in the order of the ranking */
  ranked: Uint16Array;
}

function open({ probabilities, labels, threshold }: JudgedRows, { bins }: CompareOptions): OpenModel {
  const prepared = prepare(sortScores(probabilities, labels), threshold, bins);
  return { prepared, point: evaluatePrepared(prepared, null), ranked: new Uint16Array(labels.length) };
}

function evaluateDraw({ prepared, ranked }: OpenModel, counts: Uint16Array): Record<MetricName, number> {
  prepared.scored.order.forEach((row, i) => (ranked[i] = counts[row] as number));
  return evaluatePrepared(prepared, ranked);
}

/** A metric of both models in each resample. */
type Drawn = readonly [Float64Array, Float64Array];

/** Every metric of both models and between them, over as many draws of rows as are asked for. */
function compareDraws(
  a: OpenModel,
  b: OpenModel,
  { resamples = 1000, confidence = 0.95 }: CompareOptions,
  draw: () => [Uint16Array, Uint16Array],
): Record<MetricName, MetricComparison> {
  const drawn = metricNames.map(() => [new Float64Array(resamples), new Float64Array(resamples)] as const);
  for (let sample = 0; sample < resamples; sample++) {
    const [first, second] = draw();
    const values = [evaluateDraw(a, first), evaluateDraw(b, second)] as const;
    metricNames.forEach((name, i) => {
      const [ofFirst, ofSecond] = drawn[i] as Drawn;
      ofFirst[sample] = values[0][name];
      ofSecond[sample] = values[1][name];
    });
  }
  const entries = metricNames.map((name, i) => {
    const [first, second] = drawn[i] as Drawn;
    const between = second.map((value, sample) => value - (first[sample] as number));
    const own = ({ point }: OpenModel, values: Float64Array) =>
      widenedAt(name, point, estimateOf(name, { value: point[name], drawn: values, confidence, least: 0 }), confidence);
    const difference = { value: b.point[name] - a.point[name], drawn: between, confidence, least: -1 };
    return [name, { first: own(a, first), second: own(b, second), difference: estimateOf(name, difference) }] as const;
  });
  return Object.fromEntries(entries) as Record<MetricName, MetricComparison>;
}
