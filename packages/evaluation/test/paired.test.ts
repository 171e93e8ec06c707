import { readFileSync } from 'node:fs';
import { createRandom } from '@crosscheck/contract';
import { difference } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import {
  bootstrapIntervals,
  compareOnOtherRows,
  compareOnSameRows,
  computeMetrics,
  describePairs,
  type Estimate,
  type MetricName,
  metricNames,
  outcomeOf,
  outcomeOfPairs,
  type PairedVerdicts,
  pairedAccuracy,
} from '../src/index.ts';
import { independentDifference } from '../src/paired/accuracy-difference.ts';

interface Golden {
  source: string;
  pairs: { counts: PairedVerdicts; pValue: number; tango: Estimate }[];
  independent: (Record<'first' | 'second', { right: number; rows: number }> & { low: number; high: number })[];
  models: { labels: number[]; first: number[]; second: number[]; differences: Partial<Record<MetricName, Estimate>> };
}

/** Made by scripts/golden/paired.py with statsmodels, SciPy and scikit-learn; `source` names the versions. */
const golden = JSON.parse(readFileSync(new URL('./golden/paired.json', import.meta.url), 'utf8')) as Golden;
const { labels, first, second, differences } = golden.models;
const judged = (probabilities: ArrayLike<number>, threshold = 0.5) => ({ probabilities, threshold });

describe('two accuracies on the same posts', () => {
  test.each(golden.pairs)('$counts has McNemar’s p and Tango’s interval', ({ counts, pValue, tango }) => {
    const pairs = describePairs(counts);
    expect(pairs.pValue).toBeCloseTo(pValue, 9);
    const { value, low, high } = pairs.difference;
    expect(difference([value, low, high], [tango.value, tango.low, tango.high]).maxAbs).toBeLessThan(1e-6);
  });

  test('are counted by who is right where, each at its own threshold', () => {
    const pairs = pairedAccuracy(judged([0.9, 0.4, 0.2, 0.6]), judged([0.9, 0.4, 0.4, 0.2], 0.3), [1, 1, 0, 0]);
    expect(pairs).toMatchObject({ rows: 4, bothRight: 1, onlyFirstRight: 1, onlySecondRight: 2, bothWrong: 0 });
    expect(pairs.difference.value).toBe(0.25);
  });

  test('that never differ are no certainty', () => {
    const { difference: none, pValue } = describePairs({
      bothRight: 30,
      onlyFirstRight: 0,
      onlySecondRight: 0,
      bothWrong: 10,
    });
    expect(pValue).toBe(1);
    expect(none.low).toBeLessThan(-0.05);
    expect(none.high).toBeCloseTo(-none.low, 9);
  });

  test('are never told apart by the exact test where the interval holds 0; the other way round is the edge', () => {
    const outcomes = { lower: 0, higher: 0, edge: 0, nothing: 0 };
    for (let lost = 0; lost <= 40; lost++)
      for (let won = 0; won <= 40; won++) {
        const pairs = describePairs({ bothRight: 60, onlyFirstRight: lost, onlySecondRight: won, bothWrong: 30 });
        const { low, high } = pairs.difference;
        const outcome = outcomeOfPairs(pairs);
        outcomes[outcome]++;
        expect(low <= 0 && high >= 0).toBe(outcome === 'nothing');
        expect(pairs.pValue < 0.05).toBe(outcome === 'lower' || outcome === 'higher');
      }
    expect(outcomes.lower).toBe(outcomes.higher);
    expect(outcomes.edge).toBeGreaterThan(0);
  });

  test('need the same rows, and say so', () => {
    expect(() => pairedAccuracy(judged([0.1]), judged([0.1, 0.2]), [0, 1])).toThrow(
      /got 1 and 2 probabilities for 2 labels/,
    );
  });
});

test.each(golden.independent)('accuracies on other posts have statsmodels’ Newcombe interval', (row) => {
  const { low, high } = independentDifference(row.first, row.second);
  expect(difference([low, high], [row.low, row.high]).maxAbs).toBeLessThan(1e-8);
});

describe('two models', () => {
  const { metrics, pairs } = compareOnSameRows(judged(first), judged(second), labels, { resamples: 4000 });

  test.each(Object.entries(differences) as [MetricName, Estimate][])(
    'the paired interval of %s is SciPy’s, as far as chance allows',
    (name, expected) => {
      const { value, low, high } = metrics[name].difference;
      expect(value).toBeCloseTo(expected.value, 12);
      const width = expected.high - expected.low;
      expect(Math.abs(low - expected.low)).toBeLessThan(0.08 * width);
      expect(Math.abs(high - expected.high)).toBeLessThan(0.08 * width);
    },
  );

  test('a paired interval is narrower than that of models on other posts', () => {
    const apart = compareOnOtherRows({ ...judged(first), labels }, { ...judged(second), labels });
    expect(apart.pairs).toBeNull();
    for (const name of ['accuracy', 'rocAuc', 'loss', 'brier'] as const) {
      const [paired, loose] = [metrics[name].difference, apart.metrics[name].difference];
      expect(loose.value).toBeCloseTo(paired.value, 12);
      expect(paired.high - paired.low).toBeLessThan(0.8 * (loose.high - loose.low));
    }
  });

  test('each keeps the values that it has alone', () => {
    const alone = [computeMetrics(first, labels), computeMetrics(second, labels)] as const;
    for (const name of metricNames) {
      expect(metrics[name].first.value).toBe(alone[0][name]);
      expect(metrics[name].second.value).toBe(alone[1][name]);
    }
    expect(metrics.accuracy.difference).toEqual(pairs?.difference);
    const own = bootstrapIntervals(first, labels, { resamples: 4000 }).rocAuc;
    expect(difference([metrics.rocAuc.first.low, metrics.rocAuc.first.high], [own.low, own.high]).maxAbs).toBeLessThan(
      0.01,
    );
  });

  test('differ beyond chance by the test for accuracy, by the interval for the rest', () => {
    const comparison = { metrics, pairs };
    expect(outcomeOf('accuracy', comparison)).toBe(pairs && outcomeOfPairs(pairs));
    const shifted = { ...metrics, loss: { ...metrics.loss, difference: { value: -0.1, low: -0.2, high: -0.01 } } };
    expect(outcomeOf('loss', { metrics: shifted, pairs })).toBe('lower');
    const edge = describePairs({ bothRight: 60, onlyFirstRight: 4, onlySecondRight: 12, bothWrong: 24 });
    expect(outcomeOf('accuracy', { metrics, pairs: edge })).toBe('edge');
  });

  test('that are one and the same differ by nothing, and repeat for a seed', () => {
    const same = compareOnSameRows(judged(first), judged(first), labels, { resamples: 200, seed: 3 });
    for (const name of metricNames.filter((metric) => metric !== 'accuracy'))
      expect(same.metrics[name].difference).toEqual({ value: 0, low: 0, high: 0 });
    expect(same.pairs).toMatchObject({ pValue: 1, onlyFirstRight: 0, onlySecondRight: 0 });
    const again = compareOnSameRows(judged(first), judged(second), labels, { resamples: 200, seed: 3 });
    expect(compareOnSameRows(judged(first), judged(second), labels, { resamples: 200, seed: 3 })).toEqual(again);
  });
});

test('McNemar’s exact test says "different" of equal models at most one time in twenty', () => {
  const random = createRandom(4, 'equal models');
  const alarms = Array.from({ length: 400 }, () => {
    const truth = Uint8Array.from({ length: 120 }, () => random.int(2));
    const model = () => judged(Float64Array.from(truth, (label) => (random.next() < 0.7 ? label : 1 - label)));
    return pairedAccuracy(model(), model(), truth).pValue < 0.05 ? 1 : 0;
  }).reduce<number>((sum, alarm) => sum + alarm, 0);
  expect(alarms).toBeGreaterThan(2);
  expect(alarms).toBeLessThanOrEqual(24);
});
