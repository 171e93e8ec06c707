import { type CoverageRow, coverageTable } from '@crosscheck/evaluation';
import type { Plot, PlotSpec } from '../plot.ts';
import type { ScoredSplit } from '../scored-split.ts';
import type { Theme } from '../theme.ts';

/** Few verdicts make a jumpy curve, so it begins at a tenth of the rows. */
const shares = Array.from({ length: 91 }, (_, i) => 1 - i / 100);

interface CoveragePoint {
  coverage: number;
  accuracy: number;
  low: number;
  high: number;
}

function pointOf({ coverage, accuracy }: CoverageRow): CoveragePoint {
  return { coverage, accuracy: accuracy.value, low: accuracy.low, high: accuracy.high };
}

function coverageSpec(points: CoveragePoint[], theme: Theme): PlotSpec {
  const axis = { tickCount: 5, format: '.1f' };
  const x = {
    field: 'coverage',
    type: 'quantitative',
    scale: { domain: [0, 1], nice: false },
    title: 'share of posts that get a verdict',
    axis: { ...axis, grid: false },
  };
  const lowest = Math.min(0.5, ...points.map(({ low }) => low));
  const scale = { domain: [Math.floor(10 * lowest) / 10, 1], nice: false };
  const y = { field: 'accuracy', type: 'quantitative', scale, title: 'accuracy of the verdicts', axis };
  return {
    width: 300,
    height: 300,
    data: { values: points },
    layer: [
      {
        mark: { type: 'area', color: theme.accent, opacity: 0.18 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' } },
      },
      { mark: { type: 'line', color: theme.accent, strokeWidth: 2 }, encoding: { x, y } },
    ],
  };
}

/** Accuracy against the share of rows that get a verdict, the surest first, with Wilson's 95 % interval. Null without rows. */
export function coveragePlot({ probabilities, labels, threshold }: ScoredSplit): Plot | null {
  const points = coverageTable(probabilities, labels, threshold, shares).map(pointOf);
  const [all] = points;
  if (all === undefined) return null;
  const half = points.find(({ coverage }) => coverage <= 0.5) ?? all;
  return {
    title: 'Accuracy by coverage',
    alt:
      `Accuracy when only the surest posts get a verdict: ${all.accuracy.toFixed(3)} of all, ` +
      `${half.accuracy.toFixed(3)} of the surest ${Math.round(100 * half.coverage)} per cent.`,
    spec: (theme) => coverageSpec(points, theme),
  };
}
