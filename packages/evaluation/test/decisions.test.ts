import { createRandom } from '@crosscheck/contract';
import { expectClose } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import {
  applyTemperature,
  chooseThreshold,
  computeMetrics,
  decideOrAbstain,
  fitAbstainBand,
  fitTemperature,
  type ThresholdRule,
} from '../src/index.ts';
import { golden } from './golden.ts';

describe('temperature', () => {
  test.each(golden.temperatures)('$name logits get scikit-learn’s temperature', (row) => {
    const fit = fitTemperature(row.logits, row.labels);
    expectClose([fit.temperature / row.temperature, fit.after.loss], [1, row.loss], { maxAbs: 1e-5 });
    expect(fit.after.loss).toBeLessThanOrEqual(fit.before.loss);
    expect(fit.atLimit).toBe(false);
  });

  test('verdicts at one half do not change', () => {
    const { logits, labels, temperature } = golden.temperatures[0] as (typeof golden.temperatures)[number];
    const confusionAt = (t: number) => computeMetrics(applyTemperature(logits, t), labels).confusion;
    expect(confusionAt(temperature)).toEqual(confusionAt(1));
  });

  test('separable and contradicting logits stop at the limits and say so', () => {
    expect(fitTemperature([-2, 2], [0, 1])).toMatchObject({ temperature: 0.05, atLimit: true });
    expect(fitTemperature([-2, 2], [1, 0])).toMatchObject({ temperature: 20, atLimit: true });
  });

  test('one class and infinite logits are refused', () => {
    expect(() => fitTemperature([1, 2], [1, 1])).toThrow(
      /both classes to fit a temperature, got 2 rows, 2 of them FAKE/,
    );
    expect(() => fitTemperature([1, Number.NaN], [1, 0])).toThrow(/finite logits, got NaN in row 1/);
  });
});

/** Best score over a fine grid of thresholds and over every probability itself, without the code under test. */
function bestByBruteForce(p: number[], y: number[], score: (tp: number, fp: number, fn: number) => number): number {
  const thresholds = [...p, ...Array.from({ length: 2001 }, (_, i) => i / 2000)];
  const scoreAt = (t: number) => {
    const count = (label: number, fake: boolean) =>
      y.filter((l, i) => l === label && (p[i] as number) > t === fake).length;
    return score(count(1, true), count(0, true), count(1, false));
  };
  return Math.max(...thresholds.map(scoreAt));
}

describe('threshold', () => {
  const rules: [ThresholdRule, (tp: number, fp: number, fn: number, real: number) => number][] = [
    [{ kind: 'f1' }, (tp, fp, fn) => (tp === 0 ? 0 : (2 * tp) / (2 * tp + fp + fn))],
    [{ kind: 'cost', falsePositive: 5, falseNegative: 1 }, (_, fp, fn) => -(5 * fp + fn)],
    [{ kind: 'fpr', maximum: 0.1 }, (tp, fp, fn, real) => (fp / real <= 0.1 ? tp / (tp + fn) : -1)],
  ];
  describe.each(golden.cases.filter((c) => c.labels.includes(0)))('$name', ({ probabilities, labels }) => {
    test.each(rules)('%o is met as well as brute force can', (rule, score) => {
      const real = labels.filter((label) => label === 0).length;
      const { metrics } = chooseThreshold(probabilities, labels, rule);
      const { tp, fp, fn } = metrics.confusion;
      const best = bestByBruteForce(probabilities, labels, (a, b, c) => score(a, b, c, real));
      expect(score(tp, fp, fn, real)).toBeCloseTo(best, 12);
    });
  });

  test('lies halfway between the neighbours, and nearest to one half among equals', () => {
    expect(chooseThreshold([0.2, 0.8], [0, 1]).threshold).toBe(0.5);
    expect(chooseThreshold([0.1, 0.3], [0, 1]).threshold).toBeCloseTo(0.2, 12);
    expect(chooseThreshold([0.9, 0.2], [0, 1], { kind: 'fpr', maximum: 0 }).threshold).toBeCloseTo(0.95, 12);
  });

  test('neighbouring doubles still get different verdicts', () => {
    const [low, high] = [0.5, 0.5 + Number.EPSILON / 2];
    expect(chooseThreshold([low, high], [0, 1]).metrics.accuracy).toBe(1);
  });

  test('impossible rules and one class are refused', () => {
    expect(() => chooseThreshold([0.5], [1])).toThrow(/both classes to choose a threshold/);
    expect(() => chooseThreshold([0.5, 0.1], [1, 0], { kind: 'fpr', maximum: 2 })).toThrow(
      /in \[0, 1\], got .*"maximum":2/,
    );
    expect(() => chooseThreshold([0.5, 0.1], [1, 0], { kind: 'cost', falsePositive: -1, falseNegative: 1 })).toThrow(
      /costs of at least 0/,
    );
  });
});

describe('abstaining', () => {
  const random = createRandom(9, 'abstain');
  const labels = Array.from({ length: 500 }, () => random.int(2));
  const probabilities = labels.map((label) => 1 / (1 + Math.exp(-(1.5 * random.normal() + 2 * label - 1))));

  test('verdicts outside the band reach the target, and a narrower band would not', () => {
    const band = fitAbstainBand(probabilities, labels, 0.5, 0.9);
    expect(band).not.toBeNull();
    const { low, high, coverage, accuracy } = band as NonNullable<typeof band>;
    const judged = probabilities.flatMap((p, i) => {
      const verdict = decideOrAbstain(p, 0.5, { low, high });
      return verdict === 'UNSURE' ? [] : [(verdict === 'FAKE') === (labels[i] === 1)];
    });
    expect(judged.length / probabilities.length).toBeCloseTo(coverage, 12);
    expect(judged.filter(Boolean).length / judged.length).toBeCloseTo(accuracy, 12);
    const accuracyBeyond = (distance: number) => {
      const rows = probabilities.flatMap((p, i) =>
        Math.abs(p - 0.5) > distance ? [p > 0.5 === (labels[i] === 1)] : [],
      );
      return rows.filter(Boolean).length / rows.length;
    };
    const enough = probabilities.map((p) => Math.abs(p - 0.5)).filter((distance) => accuracyBeyond(distance) >= 0.9);
    expect(high - 0.5).toBeCloseTo(Math.min(...enough), 12);
    expect(accuracy).toBeGreaterThanOrEqual(0.9);
  });

  test('no band is needed when all verdicts reach the target, and none helps when none does', () => {
    expect(fitAbstainBand([0.1, 0.9], [0, 1], 0.5, 0.9)).toBeNull();
    expect(fitAbstainBand([0.1, 0.9], [1, 0], 0.5, 0.9)).toBeNull();
    expect(decideOrAbstain(0.5, 0.5, null)).toBe('REAL');
    expect(() => fitAbstainBand([0.1], [1], 0.5, 0)).toThrow(/target accuracy in \(0, 1\]/);
  });
});
