import { compareOnSameRows, describePairs } from '@crosscheck/evaluation';
import { expect, test } from 'vitest';
import { renderComparison, renderReport } from '../src/index.ts';
import { twoPhaseEpochs } from './history.ts';
import { exampleSplit } from './split.ts';

const createdAt = '2026-03-04T05:06:07.000Z';

test('ten thousand mistakes all stand on the page, in closed tables after the first dozens', async () => {
  const mistakes = Array.from({ length: 10_000 }, (_, i) => ({
    image: null,
    caption: `caption of post ${i} ${'word '.repeat(60)}`,
    label: 0 as const,
    probability: 1 - i / 20_000,
    source: `test.csv:${i + 2}`,
  }));
  const page = await renderReport({ title: 'many', version: '1', createdAt, mistakes });
  expect(page).toContain('All 10,000 mistakes, the surest first');
  expect(page.match(/<li class="mistake">/g)).toHaveLength(48);
  expect(page).toContain('<summary>9,549 to 10,000 of 10,000</summary>');
  for (const i of [0, 47, 48, 5_000, 9_999]) expect(page).toContain(`>test.csv:${i + 2}<`);
  expect(page.length).toBeLessThan(5_000_000);
  expect(page).not.toContain('<details open');
});

test('a comparison shows both runs, their difference, curves and settings, and escapes what came from data', async () => {
  const { probabilities, labels, threshold } = exampleSplit(300);
  const other = Float64Array.from(probabilities, (p: number) => Math.min(1, p * 0.9));
  const comparison = compareOnSameRows({ probabilities: other, threshold }, { probabilities, threshold }, labels, {
    resamples: 100,
  });
  const evil = '<script>alert(1)</script>';
  const page = await renderComparison({
    names: ['old', evil],
    createdAt,
    warnings: ['mind the gap'],
    runs: [{ key: 'folder', values: ['a', 'b'] }],
    judged: {
      split: 'test',
      names: ['old', evil],
      posts: [labels.length, labels.length],
      comparison,
      disagreements: [
        { image: null, caption: evil, label: 1, probabilities: [0.1, 0.9], verdicts: ['REAL', 'FAKE'], source: evil },
      ],
    },
    curves: [
      { name: 'old', epochs: twoPhaseEpochs },
      { name: evil, epochs: twoPhaseEpochs.slice(0, 3) },
    ],
    settings: [{ key: 'training.learning_rate', values: ['0.1', null] }],
    data: [],
  });
  expect(page).not.toContain('<script>');
  expect(page).toContain('mind the gap');
  expect(page).toContain('McNemar’s exact test');
  expect(page).toContain('(not set)');
  expect(page.match(/<svg /g)?.length).toBeGreaterThanOrEqual(3);
});

test('a comparison without a difference says so', async () => {
  expect(describePairs({ bothRight: 5, onlyFirstRight: 0, onlySecondRight: 0, bothWrong: 1 }).pValue).toBe(1);
  const page = await renderComparison({
    names: ['a', 'b'],
    createdAt,
    description: 'nothing judged',
    warnings: [],
    runs: [],
    judged: null,
    curves: [],
    settings: [],
    data: [],
  });
  expect(page).toContain('None: both ran with the same config.');
});
