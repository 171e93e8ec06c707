import type { EpochRecord } from '../history.ts';
import type { Plot, PlotSpec } from '../plot.ts';
import type { Theme } from '../theme.ts';

/** A run's epochs under its name. */
export interface NamedEpochs {
  name: string;
  epochs: readonly EpochRecord[];
}

/** Title → the measures in it: whole lines for validation and whatever stands alone, dashed ones for training. */
const panels: Record<string, { whole: string; dashed?: string }> = {
  Loss: { whole: 'val/loss', dashed: 'train/loss' },
  Accuracy: { whole: 'val/accuracy', dashed: 'train/accuracy' },
  F1: { whole: 'val/f1', dashed: 'train/f1' },
  'ROC-AUC': { whole: 'val/auc', dashed: 'train/auc' },
  'Learning rate': { whole: 'learning_rate' },
};

interface Point {
  epoch: number;
  run: string;
  part: string;
  value: number;
}

function pointsOf(runs: readonly NamedEpochs[], { whole, dashed }: { whole: string; dashed?: string }): Point[] {
  const parts = [
    [whole, dashed === undefined ? '' : 'validation'],
    ...(dashed === undefined ? [] : [[dashed, 'training']]),
  ];
  return runs.flatMap(({ name: run, epochs }) =>
    parts.flatMap(([metric = '', part = '']) =>
      epochs.flatMap(({ metrics }, i) => {
        const value = metrics[metric];
        return value !== undefined && Number.isFinite(value) ? [{ epoch: i + 1, run, part, value }] : [];
      }),
    ),
  );
}

function panelSpec(runs: readonly NamedEpochs[], points: Point[], theme: Theme): PlotSpec {
  const last = Math.max(...points.map(({ epoch }) => epoch));
  const hasParts = points.some(({ part }) => part === 'training');
  const encoding = {
    x: {
      field: 'epoch',
      type: 'quantitative',
      title: 'epoch',
      scale: { domain: last > 1 ? [1, last] : [0.5, 1.5], nice: false, padding: 10 },
      axis: { format: 'd', tickMinStep: 1, grid: false },
    },
    y: {
      field: 'value',
      type: 'quantitative',
      title: null,
      scale: { zero: false, padding: 14 },
      axis: { tickCount: 5, format: '~g' },
    },
    color: {
      field: 'run',
      type: 'nominal',
      scale: { domain: runs.map(({ name }) => name), range: [theme.third, theme.accent] },
    },
  };
  const dashes = hasParts && {
    strokeDash: {
      field: 'part',
      type: 'nominal',
      scale: {
        domain: ['validation', 'training'],
        range: [
          [1, 0],
          [5, 4],
        ],
      },
      // In a row of its own: beside the names of the runs it is cut off.
      legend: {
        orient: 'bottom',
        symbolType: 'stroke',
        symbolSize: 400,
        symbolStrokeColor: theme.muted,
        symbolStrokeWidth: 2,
      },
    },
  };
  // The marks are a layer of their own, or the legend of the dashes would take their fill and have no line.
  const layer = [
    { mark: { type: 'line', strokeWidth: 2, strokeCap: 'round' }, encoding: dashes || {} },
    {
      mark: { type: 'point', filled: true, opacity: 1, size: last > 30 ? 0 : 22 },
      encoding: { detail: { field: 'part' } },
    },
  ];
  return { width: 300, height: 170, data: { values: points }, encoding, layer };
}

function altOf(title: string, points: Point[]): string {
  const runs = [...new Set(points.map(({ run }) => run))].map((name) => {
    const own = points.filter(({ run, part }) => run === name && part !== 'training');
    return `${name} from ${own[0]?.value.toPrecision(3)} to ${own.at(-1)?.value.toPrecision(3)}`;
  });
  return `${title} of both runs by epoch: ${runs.join('; ')}.`;
}

/** One plot per measure, with the curves of both runs in it. */
export function comparedCurves(runs: readonly NamedEpochs[]): Plot[] {
  return Object.entries(panels).flatMap(([title, panel]) => {
    const points = pointsOf(runs, panel);
    if (points.length === 0) return [];
    return [{ title, alt: altOf(title, points), spec: (theme: Theme) => panelSpec(runs, points, theme) }];
  });
}
