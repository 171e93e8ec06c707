import { computeMetrics, precisionRecallCurve, rocCurve } from '@crosscheck/evaluation';
import type { Plot, PlotSpec } from '../plot.ts';
import type { ScoredSplit } from '../scored-split.ts';
import type { Theme } from '../theme.ts';

interface XY {
  x: number;
  y: number;
}

/** More points than this cannot be told apart at a plot's size. */
const drawnPoints = 400;

/** Evenly spaced points of a long curve, both ends kept. */
function thin<P>(points: P[]): P[] {
  if (points.length <= drawnPoints) return points;
  const step = (points.length - 1) / (drawnPoints - 1);
  return Array.from({ length: drawnPoints }, (_, i) => points[Math.round(i * step)] as P);
}

interface CurveParts {
  curve: XY[];
  interpolate: 'linear' | 'step-before';
  /** What guessing would draw. */
  baseline: XY[];
  /** Where the chosen threshold lies. */
  chosen: XY;
  chosenText: string;
  axes: { x: string; y: string };
}

const unit = { domain: [0, 1], nice: false };

function curveSpec(parts: CurveParts, theme: Theme): PlotSpec {
  const axis = { tickCount: 5, format: '.1f' };
  const x = { field: 'x', type: 'quantitative', scale: unit, title: parts.axes.x, axis: { ...axis, grid: false } };
  const y = { field: 'y', type: 'quantitative', scale: unit, title: parts.axes.y, axis };
  const curve = thin(parts.curve).map((point, order) => ({ ...point, order }));
  const order = { field: 'order', type: 'quantitative' };
  const chosen = { values: [{ ...parts.chosen, text: parts.chosenText }] };
  const isRight = parts.chosen.x > 0.6;
  const label = { align: isRight ? 'right' : 'left', dx: isRight ? -10 : 10, dy: parts.chosen.y > 0.5 ? 16 : -12 };
  const { interpolate } = parts;
  return {
    width: 300,
    height: 300,
    layer: [
      {
        data: { values: parts.baseline },
        mark: { type: 'line', color: theme.quiet, strokeDash: [4, 4], strokeWidth: 1.5 },
        encoding: { x, y },
      },
      {
        data: { values: curve },
        mark: { type: 'line', color: theme.accent, strokeWidth: 2, interpolate },
        encoding: { x, y, order },
      },
      {
        data: chosen,
        mark: { type: 'point', size: 90, strokeWidth: 2, color: theme.accent, fill: theme.paper, opacity: 1 },
        encoding: { x, y },
      },
      {
        data: chosen,
        mark: { type: 'text', fontWeight: 600, color: theme.ink, ...label },
        encoding: { x, y, text: { field: 'text' } },
      },
    ],
  };
}

/** The ROC curve with the chosen threshold on it; null when a class has no rows. */
export function rocPlot({ probabilities, labels, threshold }: ScoredSplit): Plot | null {
  const curve = rocCurve(probabilities, labels).map(({ fpr, tpr }) => ({ x: fpr, y: tpr }));
  if (curve.length === 0) return null;
  const metrics = computeMetrics(probabilities, labels, threshold);
  const chosen = { x: 1 - metrics.specificity, y: metrics.recall };
  const diagonal = [
    { x: 0, y: 0 },
    { x: 1, y: 1 },
  ];
  return {
    title: 'ROC curve',
    alt:
      `ROC curve with an area of ${metrics.rocAuc.toFixed(3)}. At threshold ${Number(threshold.toFixed(4))} the true-positive rate is ` +
      `${chosen.y.toFixed(3)} and the false-positive rate ${chosen.x.toFixed(3)}.`,
    spec: (theme) =>
      curveSpec(
        {
          curve,
          interpolate: 'linear',
          baseline: diagonal,
          chosen,
          chosenText: `threshold ${threshold.toFixed(2)}`,
          axes: { x: 'false-positive rate (REAL judged FAKE)', y: 'true-positive rate (FAKE found)' },
        },
        theme,
      ),
  };
}

/** The precision–recall curve with the chosen threshold on it; null without FAKE rows. */
export function precisionRecallPlot({ probabilities, labels, threshold }: ScoredSplit): Plot | null {
  const points = precisionRecallCurve(probabilities, labels);
  if (points.length === 0) return null;
  const metrics = computeMetrics(probabilities, labels, threshold);
  const curve = points.reverse().map(({ precision, recall }) => ({ x: recall, y: precision }));
  const share = (metrics.confusion.tp + metrics.confusion.fn) / metrics.rows;
  return {
    title: 'Precision and recall',
    alt:
      `Precision–recall curve with an average precision of ${metrics.averagePrecision.toFixed(3)}; guessing would reach ` +
      `${share.toFixed(3)}. At threshold ${Number(threshold.toFixed(4))} precision is ${metrics.precision.toFixed(3)} and recall ${metrics.recall.toFixed(3)}.`,
    spec: (theme) =>
      curveSpec(
        {
          curve,
          interpolate: 'step-before',
          baseline: [
            { x: 0, y: share },
            { x: 1, y: share },
          ],
          chosen: { x: metrics.recall, y: metrics.precision },
          chosenText: `threshold ${threshold.toFixed(2)}`,
          axes: { x: 'recall (FAKE found)', y: 'precision (judged FAKE and FAKE)' },
        },
        theme,
      ),
  };
}
