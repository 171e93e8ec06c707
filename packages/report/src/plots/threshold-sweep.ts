import { sweepThresholds } from '@crosscheck/evaluation';
import type { Plot, PlotSpec } from '../plot.ts';
import type { ScoredSplit } from '../scored-split.ts';
import type { Theme } from '../theme.ts';

const swept = { precision: 'precision', recall: 'recall', F1: 'f1', accuracy: 'accuracy' } as const;
const names = Object.keys(swept) as (keyof typeof swept)[];

interface SweepPoint {
  threshold: number;
  metric: string;
  value: number;
}

/** Precision ends where nothing is judged FAKE any more. */
function pointsOf({ probabilities, labels }: ScoredSplit): SweepPoint[] {
  return sweepThresholds(probabilities, labels).flatMap((point) =>
    names.flatMap((metric) => {
      const value = point[swept[metric]];
      const isEmpty = metric === 'precision' && point.confusion.tp + point.confusion.fp === 0;
      return Number.isNaN(value) || isEmpty ? [] : [{ threshold: point.threshold, metric, value }];
    }),
  );
}

function sweepSpec(points: SweepPoint[], threshold: number, theme: Theme): PlotSpec {
  const scale = { domain: [0, 1], nice: false };
  const axis = { tickCount: 5, format: '.1f' };
  const x = { field: 'threshold', type: 'quantitative', scale, title: 'threshold', axis: { ...axis, grid: false } };
  const range = [theme.accent, theme.third, theme.fake, theme.quiet];
  const color = {
    field: 'metric',
    type: 'nominal',
    sort: names,
    scale: { domain: names, range },
    legend: { offset: 10 },
  };
  const y = { field: 'value', type: 'quantitative', scale, title: null, axis };
  return {
    width: 300,
    height: 300,
    layer: [
      {
        data: { values: points },
        mark: { type: 'line', strokeWidth: 2, interpolate: 'step-after' },
        encoding: { x, y, color },
      },
      {
        data: { values: [{ threshold }] },
        mark: { type: 'rule', color: theme.ink, strokeDash: [4, 4], strokeWidth: 1.5 },
        encoding: { x },
      },
    ],
  };
}

/** Precision, recall, F1 and accuracy at every threshold, with the chosen one. Null without rows. */
export function thresholdPlot(split: ScoredSplit): Plot | null {
  const points = pointsOf(split);
  if (points.length === 0) return null;
  const f1 = points.filter(({ metric }) => metric === 'F1');
  const best = f1.reduce<SweepPoint | null>((a, b) => (a === null || b.value > a.value ? b : a), null);
  const peak =
    best === null ? '' : ` F1 is highest, ${best.value.toFixed(3)}, near threshold ${best.threshold.toFixed(2)}.`;
  return {
    title: 'Threshold sweep',
    alt: `Precision, recall, F1 and accuracy at thresholds from 0 to 1; the chosen threshold is ${Number(split.threshold.toFixed(4))}.${peak}`,
    spec: (theme) => sweepSpec(points, split.threshold, theme),
  };
}
