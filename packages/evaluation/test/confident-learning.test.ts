import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { learnConfidently } from '../src/index.ts';

interface Golden {
  source: string;
  cases: {
    name: string;
    probabilities: number[];
    labels: number[];
    thresholds: number[];
    joint: number[][];
    off_diagonal: number[];
    issues: number[];
    normalized_margin: number[];
    self_confidence: number[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL('golden/label-errors.json', import.meta.url), 'utf8')) as Golden;

describe(`as cleanlab has it (${golden.source})`, () => {
  test.each(golden.cases)('$name: thresholds, confident joint, suspects and their order', (known) => {
    const { probabilities, labels } = known;
    const { thresholds, joint, suspects } = learnConfidently(probabilities, labels);
    for (const label of [0, 1]) expect(thresholds[label]).toBeCloseTo(known.thresholds[label] as number, 12);
    expect(joint).toEqual(known.joint);
    expect(suspects.map(({ row }) => row)).toEqual(known.issues);
    for (const { row, margin, probability } of suspects) {
      expect((margin + 1) / 2).toBeCloseTo(known.normalized_margin[row] as number, 12);
      expect(1 - probability).toBeCloseTo(known.self_confidence[row] as number, 12);
    }
  });

  test('the sets hold suspects, and one of them none', () => {
    expect(golden.cases.filter(({ issues }) => issues.length === 0).map(({ name }) => name)).toEqual([
      'without contradictions',
    ]);
  });
});

test('planted flips are nearly all that is named, where predictions are good', () => {
  const truth = Array.from({ length: 200 }, (_, i) => i % 2);
  const probabilities = truth.map((label, i) => (label ? 0.8 : 0.2) + (i % 7) * 0.02);
  const flips = [3, 50, 111, 160];
  const { suspects, noise } = learnConfidently(
    probabilities,
    truth.map((label, i) => (flips.includes(i) ? 1 - label : label)),
  );
  expect(flips).toEqual(expect.arrayContaining(suspects.map(({ row }) => row)));
  expect(suspects.length).toBeGreaterThanOrEqual(2);
  for (const share of noise) expect(share).toBeLessThan(0.05);
});

test.each([
  [[0.5], [0, 1], 'CROSSCHECK_EVALUATION_LENGTHS'],
  [[0.5], [2], 'CROSSCHECK_EVALUATION_BAD_LABEL'],
  [[Number.NaN], [1], 'CROSSCHECK_EVALUATION_BAD_PROBABILITY'],
])('%j with labels %j is refused', (probabilities, labels, code) => {
  expect(() => learnConfidently(probabilities, labels)).toThrow(expect.objectContaining({ code }));
});
