import { describe, expect, test } from 'vitest';
import {
  aggregatePosts,
  computeGroupMetrics,
  confidentMistakes,
  describeModalityUse,
  describePairs,
  plotTables,
  predictionChecks,
  wilsonInterval,
} from '../src/index.ts';

describe('prediction checks', () => {
  const good = { predictions: [0, 1, 1, 0], probabilities: [0.1, 0.9, 0.6, 0.4], labels: [0, 1, 1, 0] };
  const failed = (set: Parameters<typeof predictionChecks>[0]) =>
    Object.entries(predictionChecks(set))
      .filter(([, check]) => !check.passed)
      .map(([name]) => name);

  test('a sound set passes all seven', () => {
    expect(Object.keys(predictionChecks(good))).toEqual([
      'no_null_predictions',
      'valid_binary_predictions',
      'valid_probability_range',
      'no_null_probabilities',
      'prediction_count',
      'class_distribution',
      'better_than_random',
    ]);
    expect(failed(good)).toEqual([]);
  });

  test.each([
    ['no_null_predictions', { ...good, predictions: [0, 1, null, 0] }],
    ['valid_binary_predictions', { ...good, predictions: [0, 1, -1, 0] }],
    ['valid_probability_range', { ...good, probabilities: [0.1, 0.9, 1.6, 0.4] }],
    ['no_null_probabilities', { ...good, probabilities: [0.1, 0.9, Number.NaN, 0.4] }],
    ['prediction_count', { ...good, expectedCount: 5 }],
    ['class_distribution', { ...good, predictions: [0, 0, 0, 0] }],
    ['better_than_random', { ...good, labels: [1, 0, 0, 1] }],
  ])('%s fails alone on its own fault', (name, set) => {
    expect(failed(set)).toEqual([name]);
  });

  test('without labels the last check is left out, and an empty set fails', () => {
    expect(predictionChecks({ predictions: [0, 1], probabilities: [0.1, 0.9] })).not.toHaveProperty(
      'better_than_random',
    );
    expect(failed({ predictions: [], probabilities: [] })).toEqual(['prediction_count', 'class_distribution']);
  });

  test('each result carries its figure', () => {
    expect(predictionChecks(good).better_than_random).toEqual({
      passed: true,
      message: 'ROC-AUC 1.0000, random is 0.5',
      value: 1,
    });
  });
});

describe('groups', () => {
  test('each group is judged on its own rows, the largest first', () => {
    const table = computeGroupMetrics([0.9, 0.1, 0.8, 0.3, 0.7], [1, 0, 0, 1, 1], ['a', 'b', 'b', 'a', 'b'], 0.5);
    expect(table.map(({ group, rows, fakeRows, metrics }) => [group, rows, fakeRows, metrics.accuracy])).toEqual([
      ['b', 3, 1, 2 / 3],
      ['a', 2, 2, 0.5],
    ]);
    expect(table[0]?.accuracy).toEqual(wilsonInterval(2, 3));
    expect(table[1]?.metrics.rocAuc).toBeNaN();
  });

  test('rows of one post become one probability', () => {
    const posts = ['x', 'y', 'x', 'y', 'x'];
    const [p, labels] = [
      [0.2, 0.9, 0.4, 0.5, 0.9],
      [0, 1, 0, 1, 0],
    ] as const;
    const mean = aggregatePosts(p, labels, posts, 'mean');
    expect(mean.keys).toEqual(['x', 'y']);
    expect([...mean.probabilities]).toEqual([0.5, 0.7]);
    expect([...mean.rows]).toEqual([3, 2]);
    expect([...aggregatePosts(p, labels, posts, 'max').probabilities]).toEqual([0.9, 0.9]);
  });

  test('a post with two labels is refused by name', () => {
    const run = () => aggregatePosts([0.1, 0.2], [0, 1], ['x', 'x'], 'mean');
    expect(run).toThrow(/both 0 and 1 for "x" \(rows 0 and 1\)/);
    expect(run).toThrow(expect.objectContaining({ code: 'CROSSCHECK_EVALUATION_MIXED_LABELS' }));
    expect(() => aggregatePosts([0.1, 0.2], [0, 1], ['x'], 'mean')).toThrow(/got 1 names for 2 rows/);
  });

  test('mistakes come with the most confident first', () => {
    expect(confidentMistakes([0.9, 0.6, 0.01, 0.2, 0.95], [0, 0, 1, 0, 1], 0.5, 2)).toEqual([2, 0]);
  });
});

describe('modality use', () => {
  const rows = 1000;
  const of = (value: number) => wilsonInterval(Math.round(value * rows), rows);
  /** An ablation that turns so many of the full model's right verdicts around, and so many of its wrong ones. */
  const ablated = (full: number, lost: number, won = 0) => {
    const right = Math.round(full * rows);
    const pairs = {
      bothRight: right - lost,
      onlyFirstRight: lost,
      onlySecondRight: won,
      bothWrong: rows - right - won,
    };
    return { ...of(full + (won - lost) / rows), change: describePairs(pairs) };
  };

  test.each([
    ['both', 0.96, 450, 470],
    ['text', 0.88, 10, 360],
    ['image', 0.88, 360, 10],
    ['undecided', 0.53, 20, 20],
  ] as const)('%s', (verdict, full, lostWithoutImage, lostWithoutText) => {
    const use = describeModalityUse(of(full), ablated(full, lostWithoutImage, 10), ablated(full, lostWithoutText, 10));
    expect(use.verdict).toBe(verdict);
    expect(use.usesImage).toBe(verdict === 'both' || verdict === 'image');
    expect(use.usesText).toBe(verdict === 'both' || verdict === 'text');
  });

  test('a loss that two separate intervals hide shows in pairs', () => {
    const [full, textOnly] = [of(0.648), ablated(0.648, 60, 20)];
    expect(textOnly.high).toBeGreaterThan(full.low);
    expect(textOnly.change.difference.high).toBeLessThan(0);
    expect(describeModalityUse(full, textOnly, ablated(0.648, 80, 20)).verdict).toBe('both');
  });

  test('more accuracy without a part is no use of it', () => {
    expect(describeModalityUse(of(0.6), ablated(0.6, 10, 200), ablated(0.6, 10, 200)).verdict).toBe('undecided');
  });

  test('who loses when pairs are broken uses both: no two sentences contradict each other', () => {
    const use = describeModalityUse(of(0.648), ablated(0.648, 124), ablated(0.648, 60, 58), ablated(0.648, 158));
    expect(use).toMatchObject({ verdict: 'both', usesText: true, usesImage: true, usesPairing: true });
    expect(use.summary).toContain('it loses accuracy when the two no longer belong together');
    expect(use.summary).toContain('the match between the two matters');
    expect(use.summary).not.toContain('not shown');
  });

  test('a use that is not shown is never called none, and what is on the edge is called so', () => {
    const summaryOf = (lost: number, won: number) =>
      describeModalityUse(of(0.88), ablated(0.88, lost, won), ablated(0.88, 360, 10)).summary;
    expect(summaryOf(20, 14)).toContain(
      'The model uses the text. Its use of the image is not shown: chance may explain',
    );
    // 12 against 4: the interval ends below 0, the exact test gives p = 0.077.
    expect(summaryOf(12, 4)).toMatch(
      /on the edge of what chance explains\. .* change −0\.008 \(−0\.017 to 0\.000\), p = 0\.077/,
    );
    expect(summaryOf(4, 60)).toContain('With another post’s image it is right more often');
    for (const summary of [summaryOf(20, 14), summaryOf(12, 4), summaryOf(4, 60)])
      expect(summary).not.toMatch(/relies on|costs no/);
  });

  test('210 real posts at 0.648, 0.524 and 0.490: both are used, by the same figures that are shown', () => {
    const real = (right: number, lost: number) => {
      const won = right - 136 + lost;
      const pairs = { bothRight: 136 - lost, onlyFirstRight: lost, onlySecondRight: won, bothWrong: 74 - won };
      return { ...wilsonInterval(right, 210), change: describePairs(pairs) };
    };
    const use = describeModalityUse(wilsonInterval(136, 210), real(110, 58), real(103, 63), real(101, 62));
    expect(use).toMatchObject({ verdict: 'both', usesPairing: true });
    expect(use.summary).toContain('text only 0.524 (95 % interval 0.456 to 0.590), change −0.124');
  });

  test('the summary says it with the figures', () => {
    const use = describeModalityUse(of(0.96), ablated(0.96, 450), ablated(0.96, 470), ablated(0.96, 5, 4));
    expect(use.usesPairing).toBe(false);
    expect(use.summary).toContain('The model uses both image and text');
    expect(use.summary).toContain(
      'text only 0.510 (95 % interval 0.479 to 0.541), change −0.450 (−0.481 to −0.419), p < 0.001',
    );
    expect(use.summary).toContain('−0.001 (−0.008 to +0.006), p = 1.000');
    expect(use.summary).toContain('these rows do not show that the match between the two matters');
  });
});

test('plot tables have the names that DVC reads and survive JSON', () => {
  const tables = plotTables([0.9, 0.2, 0.6], [1, 0, 0], 0.5);
  expect(JSON.parse(JSON.stringify(tables))).toEqual(tables);
  expect(tables.confusion).toEqual([
    { actual: 'FAKE', predicted: 'FAKE' },
    { actual: 'REAL', predicted: 'REAL' },
    { actual: 'REAL', predicted: 'FAKE' },
  ]);
  expect(tables.roc.roc[0]).toEqual({ fpr: 0, tpr: 0, threshold: null });
  expect(tables.precision_recall.precision_recall.at(-1)).toEqual({ precision: 1, recall: 0, threshold: null });
  expect(tables.calibration.calibration).toEqual([
    { prob_true: 0, prob_pred: 0.2 },
    { prob_true: 0, prob_pred: 0.6 },
    { prob_true: 1, prob_pred: 0.9 },
  ]);
});
