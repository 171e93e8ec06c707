import { type AbstainBand, abstain, createRandom, decide, sigmoid } from '@crosscheck/contract';
import { expectClose } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import {
  applyTemperature,
  type CoverageRow,
  chooseThreshold,
  computeMetrics,
  coverageTable,
  type DecisionRule,
  fitAbstainBand,
  fitDecision,
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

  describe('of fewest mistakes', () => {
    const rule = { kind: 'mistakes' } as const;
    /** As many posts of each kind: probability and label. */
    const repeat = (posts: [number, number, number][]) => {
      const all = posts.flatMap(([count, p, label]) => Array.from({ length: count }, () => [p, label] as const));
      return [all.map(([p]) => p), all.map(([, label]) => label)] as const;
    };

    test('leaves 0.5 where it is right about more posts than chance explains', () => {
      // Six FAKE posts lie below 0.5, and no REAL one between: 6 : 0 has p = 0.03.
      const posts = repeat([
        [20, 0.1, 0],
        [6, 0.4, 1],
        [20, 0.9, 1],
      ]);
      expect(chooseThreshold(...posts, rule).threshold).toBeCloseTo(0.25, 12);
    });

    test('stays at 0.5 where chance explains it, and where every other one makes more mistakes', () => {
      const five = repeat([
        [20, 0.1, 0],
        [5, 0.4, 1],
        [20, 0.9, 1],
      ]);
      expect(chooseThreshold(...five, rule).threshold).toBe(0.5);
      expect(chooseThreshold([0.2, 0.8], [0, 1], rule).threshold).toBe(0.5);
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
  const logits = labels.map((label) => 1.5 * random.normal() + 2 * label - 1);
  const probabilities = logits.map(sigmoid);
  const judgeWith = (band: AbstainBand | null, threshold = 0.5) =>
    probabilities.flatMap((probabilityFake, i) => {
      const verdict = { ...decide(probabilityFake, threshold), probabilityFake };
      const { labelId } = band === null ? verdict : abstain(verdict, band);
      return labelId === -1 ? [] : [labelId === labels[i]];
    });
  const shareOfTrue = (verdicts: boolean[]) => verdicts.filter(Boolean).length / verdicts.length;

  test.each([0.5, 0.2, 0.9])(
    'outside the band around %f verdicts reach the target, and a narrower one would not do',
    (t) => {
      const fitted = fitAbstainBand(probabilities, labels, t, { accuracy: 0.9 }) as CoverageRow;
      const { low, high } = fitted.band as AbstainBand;
      const judged = judgeWith({ low, high }, t);
      expect(judged.length / probabilities.length).toBeCloseTo(fitted.coverage, 12);
      expect(shareOfTrue(judged)).toBeCloseTo(fitted.accuracy.value, 12);
      expect(fitted.accuracy.value).toBeGreaterThanOrEqual(0.9);
      const centre = Math.log(t / (1 - t));
      const distances = logits.map((logit) => Math.abs(logit - centre)).toSorted((a, b) => a - b);
      const half = Math.log(high / (1 - high)) - centre;
      expect(centre - Math.log(low / (1 - low))).toBeCloseTo(half, 9);
      for (const distance of distances.filter((d) => d < half - 1e-9)) {
        const beyond = logits.flatMap((logit, i) =>
          Math.abs(logit - centre) >= distance - 1e-9 ? [logit > centre === (labels[i] === 1)] : [],
        );
        expect(shareOfTrue(beyond)).toBeLessThan(0.9);
      }
    },
  );

  test('a target coverage is kept, by as few rows as ties allow', () => {
    const { coverage, band } = fitAbstainBand(probabilities, labels, 0.5, { coverage: 0.8 }) as CoverageRow;
    expect(coverage).toBe(0.8);
    expect(judgeWith(band).length).toBe(400);
  });

  test('no band is needed when all verdicts reach the target, and none helps when none does', () => {
    expect(fitAbstainBand([0.1, 0.9], [0, 1], 0.5, { accuracy: 0.9 })).toMatchObject({ band: null, coverage: 1 });
    expect(fitAbstainBand([0.1, 0.9], [1, 0], 0.5, { accuracy: 0.9 })).toBeNull();
    expect(() => fitAbstainBand([0.1], [1], 0.5, { accuracy: 0 })).toThrow(/target accuracy in \(0, 1\]/);
  });

  test('both ends belong to the band, and confidence stays that of the nearer label', () => {
    const verdictAt = (probabilityFake: number) =>
      abstain({ ...decide(probabilityFake, 0.5), probabilityFake }, { low: 0.4, high: 0.7 });
    expect([0.39, 0.4, 0.7, 0.71].map((p) => verdictAt(p).prediction)).toEqual(['REAL', 'UNSURE', 'UNSURE', 'FAKE']);
    expect(verdictAt(0.4)).toEqual({ prediction: 'UNSURE', labelId: -1, confidence: 0.6, probabilityFake: 0.4 });
  });

  test('the table has one line per share, with what its band does', () => {
    const table = coverageTable(probabilities, labels, 0.5);
    expect(table.map(({ coverage }) => coverage)).toEqual([1, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5]);
    for (const { rows, band, accuracy } of table) {
      const judged = judgeWith(band);
      expect(judged.length).toBe(rows);
      expect(shareOfTrue(judged)).toBeCloseTo(accuracy.value, 12);
      expect(accuracy.low).toBeLessThan(accuracy.value);
    }
    expect(table[0]?.band).toBeNull();
    expect(table.at(-1)?.accuracy.value).toBeGreaterThan(table[0]?.accuracy.value as number);
  });

  test('tied rows are judged together, and certain ones can be', () => {
    expect(coverageTable([0.5, 0.5, 0.5, 0, 1], [0, 1, 1, 0, 1], 0.5).map(({ rows }) => rows)).toEqual([5]);
    expect(coverageTable([0, 0, 1, 0.6], [0, 0, 1, 0], 0.5, [1, 0.5]).map(({ rows }) => rows)).toEqual([4, 3]);
  });
});

describe('a decision', () => {
  const random = createRandom(5, 'decision');
  const labels = Array.from({ length: 800 }, () => random.int(2));
  const logits = labels.map((label) => 3 * (1.2 * random.normal() + 2 * label - 1));

  test('is fitted in order: temperature, threshold on calibrated probabilities, band around that threshold', () => {
    const rule: DecisionRule = {
      temperature: 'fit',
      threshold: { kind: 'fpr', maximum: 0.02 },
      abstain: { accuracy: 0.95 },
    };
    const { temperature, threshold, abstainBand, abstaining, before, after, notes } = fitDecision(logits, labels, rule);
    expect(notes).toEqual([]);
    expect(temperature).toBe(fitTemperature(logits, labels).temperature);
    expect(temperature).toBeGreaterThan(1.2);
    const probabilities = applyTemperature(logits, temperature);
    expect(threshold).toBe(chooseThreshold(probabilities, labels, { kind: 'fpr', maximum: 0.02 }).threshold);
    expect(abstainBand?.low).toBeLessThan(threshold);
    expect(abstainBand?.high).toBeGreaterThan(threshold);
    expect(abstaining?.accuracy.value).toBeGreaterThanOrEqual(0.95);
    expect(after.loss).toBeLessThan(before.loss);
    expect(after.ece).toBeLessThan(before.ece);
  });

  test('takes what is given as it is', () => {
    const rule: DecisionRule = { temperature: 2, threshold: 0.6, abstain: { low: 0.5, high: 0.7 } };
    const decision = fitDecision(logits, labels, rule);
    expect(decision).toMatchObject({ temperature: 2, threshold: 0.6, abstainBand: { low: 0.5, high: 0.7 } });
    expect(decision.abstaining?.rows).toBe(logits.filter((z) => sigmoid(z / 2) < 0.5 || sigmoid(z / 2) > 0.7).length);
  });

  test('of rows without a mistake keeps temperature 1 and says why', () => {
    const { temperature, abstainBand, notes } = fitDecision([-2, -1, 1, 2], [0, 0, 1, 1], {
      temperature: 'fit',
      threshold: { kind: 'f1' },
      abstain: { accuracy: 0.9 },
    });
    expect({ temperature, abstainBand }).toEqual({ temperature: 1, abstainBand: null });
    expect(notes.join()).toMatch(/without a mistake.*stays 1.*without abstaining/);
  });

  test('refuses a band beside its threshold, and a target out of reach', () => {
    const fit = (changes: Partial<DecisionRule>) =>
      fitDecision([-2, 2, 1], [1, 0, 0], { temperature: 1, threshold: 0.5, abstain: null, ...changes });
    expect(() => fit({ abstain: { low: 0.6, high: 0.7 } })).toThrow(/around the threshold 0.5, got 0.6 to 0.7/);
    expect(() => fit({ abstain: { accuracy: 0.9 } })).toThrow(
      /no band.* accuracy 0.9 on these 3 rows; lower the target/,
    );
  });
});
