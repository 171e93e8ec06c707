import { isCrosscheckError } from '@crosscheck/contract';
import { expectClose } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import {
  calibrationBins,
  computeMetrics,
  metricNames,
  precisionRecallCurve,
  rocCurve,
  sweepThresholds,
} from '../src/index.ts';
import { golden } from './golden.ts';

describe.each(golden.cases)('$name', ({ probabilities, labels, threshold, ...expected }) => {
  test('every metric equals scikit-learn’s', () => {
    const actual = computeMetrics(probabilities, labels, threshold, { bins: golden.bins });
    expect(actual.confusion).toEqual(expected.confusion);
    for (const name of metricNames) {
      expectClose([actual[name]], [expected.metrics[name]], { maxAbs: 1e-12 });
    }
  });

  test('the ROC curve equals scikit-learn’s', () => {
    const curve = rocCurve(probabilities, labels);
    const column = (name: 'fpr' | 'tpr') => curve.map((point) => point[name]);
    expectClose(column('fpr'), expected.roc.fpr, { maxAbs: 1e-12 });
    expectClose(column('tpr'), expected.roc.tpr, { maxAbs: 1e-12 });
    expect(curve[0]?.threshold).toBe(Number.POSITIVE_INFINITY);
    expect(curve.slice(1).map((point) => point.threshold)).toEqual(expected.roc.threshold);
  });

  test('the precision–recall curve equals scikit-learn’s', () => {
    const curve = precisionRecallCurve(probabilities, labels);
    const column = (name: 'precision' | 'recall') => curve.map((point) => point[name]);
    expectClose(column('precision'), expected.precisionRecall.precision, { maxAbs: 1e-12 });
    expectClose(column('recall'), expected.precisionRecall.recall, { maxAbs: 1e-12 });
    expect(curve.slice(0, -1).map((point) => point.threshold)).toEqual(expected.precisionRecall.threshold);
  });

  test('the reliability bins equal scikit-learn’s', () => {
    const bins = calibrationBins(probabilities, labels, 10).filter(({ rows }) => rows > 0);
    expect(bins.length).toBe(expected.calibration.shareFake.length);
    expectClose(
      bins.map((bin) => bin.shareFake),
      expected.calibration.shareFake,
      { maxAbs: 1e-12 },
    );
    expectClose(
      bins.map((bin) => bin.meanProbability),
      expected.calibration.meanProbability,
      { maxAbs: 1e-12 },
    );
  });

  test('the sweep counts as the metrics do at each of its thresholds', () => {
    for (const point of sweepThresholds(probabilities, labels, 11)) {
      expect(point.confusion).toEqual(computeMetrics(probabilities, labels, point.threshold).confusion);
    }
  });
});

test('no rows leave every metric NaN and every curve empty', () => {
  const metrics = computeMetrics([], [], 0.5);
  expect(metricNames.filter((name) => !Number.isNaN(metrics[name]))).toEqual([]);
  expect(metrics.confusion).toEqual({ tn: 0, fp: 0, fn: 0, tp: 0 });
  expect(rocCurve([], [])).toEqual([]);
  expect(precisionRecallCurve([], [])).toEqual([]);
});

test('rows of one class leave NaN only what needs the other', () => {
  const real = computeMetrics([0.2, 0.7], [0, 0], 0.5);
  expect(real).toMatchObject({ accuracy: 0.5, specificity: 0.5, precision: 0, f1: 0, recall: Number.NaN });
  expect([real.rocAuc, real.averagePrecision, real.fprAt95Tpr]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  const fake = computeMetrics([0.2, 0.7], [1, 1], 0.5);
  expect(fake).toMatchObject({
    accuracy: 0.5,
    recall: 0.5,
    precision: 1,
    specificity: Number.NaN,
    averagePrecision: 1,
  });
  expect([fake.rocAuc, fake.fprAt95Tpr]).toEqual([Number.NaN, Number.NaN]);
  expect(rocCurve([0.2, 0.7], [1, 1])).toEqual([]);
});

test('a probability on the threshold is REAL', () => {
  expect(computeMetrics([0.5], [1], 0.5).confusion).toEqual({ tn: 0, fp: 0, fn: 1, tp: 0 });
});

test.each([
  ['CROSSCHECK_EVALUATION_LENGTHS', [0.5], [1, 0], /1 probabilities and 2 labels/],
  ['CROSSCHECK_EVALUATION_BAD_LABEL', [0.5, 0.5], [1, 2], /got 2 in row 1/],
  ['CROSSCHECK_EVALUATION_BAD_PROBABILITY', [Number.NaN], [1], /got NaN in row 0.*diverged/],
  ['CROSSCHECK_EVALUATION_BAD_PROBABILITY', [0.1, 1.5], [1, 0], /got 1.5 in row 1.*sigmoid/],
] as const)('refuses bad rows with %s', (code, probabilities, labels, message) => {
  const error = (() => {
    try {
      return computeMetrics(probabilities, labels);
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(isCrosscheckError(error, code)).toBe(true);
  expect((error as Error).message).toMatch(message);
});

test('float32 probabilities are taken as they are', () => {
  const metrics = computeMetrics(Float32Array.of(0.9, 0.1), Float32Array.of(1, 0));
  expect(metrics.accuracy).toBe(1);
});
