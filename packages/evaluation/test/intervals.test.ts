import { createRandom } from '@crosscheck/contract';
import { difference } from '@crosscheck/testkit';
import { expect, test } from 'vitest';
import { bootstrapIntervals, computeMetrics, metricNames, wilsonInterval } from '../src/index.ts';
import { golden } from './golden.ts';

function scoredRows(rows: number, seed: number) {
  const random = createRandom(seed, 'rows');
  const labels = Uint8Array.from({ length: rows }, () => random.int(2));
  const probabilities = Float64Array.from(labels, (label) => 1 / (1 + Math.exp(-(random.normal() + 2 * label - 1))));
  return { probabilities, labels };
}

test.each(golden.wilson)(
  '$successes of $trials at $confidence has SciPy’s Wilson interval',
  ({ successes, trials, confidence, low, high }) => {
    const interval = wilsonInterval(successes, trials, confidence);
    expect(difference([interval.low, interval.high], [low, high]).maxAbs).toBeLessThan(1e-8);
  },
);

test('no trials leave the Wilson interval NaN', () => {
  expect(wilsonInterval(0, 0)).toEqual({ value: Number.NaN, low: Number.NaN, high: Number.NaN });
});

test('accuracy has Wilson’s interval, as everywhere else it stands', () => {
  const { probabilities, labels } = scoredRows(300, 1);
  for (const confidence of [0.8, 0.95]) {
    const { accuracy } = bootstrapIntervals(probabilities, labels, { resamples: 50, confidence });
    expect(accuracy).toEqual(wilsonInterval(Math.round(accuracy.value * 300), 300, confidence));
  }
});

test('95 % intervals hold the truth about 95 % of the time', () => {
  const truth = computeMetrics(...(Object.values(scoredRows(200_000, 0)) as [Float64Array, Uint8Array])).rocAuc;
  const covered = Array.from({ length: 200 }, (_, seed) => {
    const { probabilities, labels } = scoredRows(150, seed + 1);
    const { rocAuc } = bootstrapIntervals(probabilities, labels, { resamples: 300, seed });
    return rocAuc.low <= truth && truth <= rocAuc.high ? 1 : 0;
  }).reduce<number>((sum, hit) => sum + hit, 0);
  expect(covered).toBeGreaterThan(178);
  expect(covered).toBeLessThan(200);
});

test('intervals hold their value, repeat for a seed and differ between seeds', () => {
  const { probabilities, labels } = scoredRows(300, 2);
  const first = bootstrapIntervals(probabilities, labels, { seed: 3 });
  expect(bootstrapIntervals(probabilities, labels, { seed: 3 })).toEqual(first);
  expect(bootstrapIntervals(probabilities, labels, { seed: 4 }).rocAuc).not.toEqual(first.rocAuc);
  const metrics = computeMetrics(probabilities, labels);
  for (const name of metricNames) {
    expect(first[name].value).toBe(metrics[name]);
    expect(first[name].low).toBeLessThan(first[name].high);
  }
  for (const name of ['accuracy', 'rocAuc', 'f1', 'loss', 'brier', 'ece'] as const) {
    expect(first[name].low).toBeLessThan(metrics[name]);
    expect(first[name].high).toBeGreaterThan(metrics[name]);
  }
});

test('one class leaves NaN intervals only where the metric is NaN', () => {
  const { rocAuc, accuracy } = bootstrapIntervals([0.2, 0.7, 0.9], [1, 1, 1]);
  expect(rocAuc).toEqual({ value: Number.NaN, low: Number.NaN, high: Number.NaN });
  expect(accuracy.low).toBeGreaterThanOrEqual(0);
  expect(bootstrapIntervals([], []).accuracy.low).toBeNaN();
});

test('1,000 resamples of 10,000 rows take well under two seconds', () => {
  const { probabilities, labels } = scoredRows(10_000, 5);
  const start = process.cpuUsage();
  bootstrapIntervals(probabilities, labels);
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1e6).toBeLessThan(2);
});

test('rows without a mistake are no certainty: shares of 1 get Wilson’s interval', () => {
  const labels = Array.from({ length: 40 }, (_, i) => i % 2);
  const { accuracy, recall, f1 } = bootstrapIntervals(labels, labels, { resamples: 200 });
  expect(accuracy).toEqual(wilsonInterval(40, 40));
  expect(recall).toEqual(wilsonInterval(20, 20));
  expect(recall.low).toBeLessThan(0.9);
  expect(f1).toEqual({ value: 1, low: 1, high: 1 });
});
