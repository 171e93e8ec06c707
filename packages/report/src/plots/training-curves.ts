import { CrosscheckError } from '@crosscheck/contract';
import { isLowerBetter } from '@crosscheck/evaluation';
import { bestEpoch, type EpochRecord, phaseSpans } from '../history.ts';
import type { Plot, PlotSpec } from '../plot.ts';
import type { Theme } from '../theme.ts';

interface Panel {
  title: string;
  /** Series name → metric key. */
  series: Record<string, string>;
  axis?: Record<string, unknown>;
}

const panels: Panel[] = [
  { title: 'Loss', series: { training: 'train/loss', validation: 'val/loss' } },
  { title: 'Accuracy', series: { training: 'train/accuracy', validation: 'val/accuracy' } },
  { title: 'F1', series: { training: 'train/f1', validation: 'val/f1' } },
  { title: 'ROC-AUC', series: { training: 'train/auc', validation: 'val/auc' } },
  { title: 'Precision and recall', series: { precision: 'val/precision', recall: 'val/recall' } },
  { title: 'Learning rate', series: { 'learning rate': 'learning_rate' }, axis: { format: '~e' } },
];

/** Leaves room for the phases' names between legend and curves. */
const legendOffset = 18;

interface Point {
  epoch: number;
  series: string;
  value: number;
}

function pointsOf(epochs: readonly EpochRecord[], panel: Panel): Point[] {
  return Object.entries(panel.series).flatMap(([series, metric]) =>
    epochs.flatMap(({ metrics }, i) => {
      const value = metrics[metric];
      return value !== undefined && Number.isFinite(value) ? [{ epoch: i + 1, series, value }] : [];
    }),
  );
}

function colourOf(panel: Panel, theme: Theme): PlotSpec {
  const colours: Record<string, string> = { training: theme.quiet, recall: theme.third };
  const domain = Object.keys(panel.series);
  const range = domain.map((series) => colours[series] ?? theme.accent);
  return {
    field: 'series',
    type: 'nominal',
    scale: { domain, range },
    legend: domain.length > 1 ? { offset: legendOffset } : null,
  };
}

/** Where one phase ends and the next begins, with the phases' names when there is more than one. */
function phaseLayers(epochs: readonly EpochRecord[], theme: Theme): PlotSpec[] {
  const spans = phaseSpans(epochs);
  if (spans.length < 2) return [];
  const boundaries = spans.slice(1).map(({ first }) => ({ epoch: first - 0.5 }));
  const names = spans.map(({ phase, first }) => ({ epoch: Math.max(1, first - 0.5), phase }));
  const x = { field: 'epoch', type: 'quantitative' };
  return [
    { data: { values: boundaries }, mark: { type: 'rule', color: theme.axis, strokeDash: [3, 3] }, encoding: { x } },
    {
      data: { values: names },
      mark: { type: 'text', align: 'left', baseline: 'bottom', dx: 4, dy: -3, fontSize: 10, color: theme.muted },
      encoding: { x, y: { value: 0 }, text: { field: 'phase' } },
    },
  ];
}

/** A ring on the best validation epoch and its value. */
function bestLayers(epochs: readonly EpochRecord[], panel: Panel, theme: Theme): PlotSpec[] {
  const metric = panel.series.validation;
  const best = metric === undefined ? null : bestEpoch(epochs, metric);
  if (metric === undefined || best === null) return [];
  const value = epochs[best]?.metrics[metric] as number;
  const data = { values: [{ epoch: best + 1, value, text: value.toFixed(3) }] };
  const encoding = { x: { field: 'epoch', type: 'quantitative' }, y: { field: 'value', type: 'quantitative' } };
  // Training usually lies on the far side of validation, so the value stands on the near one.
  const below = !isLowerBetter(metric);
  return [
    {
      data,
      mark: { type: 'point', size: 90, strokeWidth: 2, color: theme.accent, fill: theme.paper, opacity: 1 },
      encoding,
    },
    {
      data,
      mark: {
        type: 'text',
        fontWeight: 600,
        color: theme.accent,
        align: 'center',
        baseline: below ? 'top' : 'bottom',
        dy: below ? 9 : -9,
      },
      encoding: { ...encoding, text: { field: 'text' } },
    },
  ];
}

/** Room around the curve; a constant gets some too, where Vega would draw a scale of one tick. */
function rangeOf(points: Point[]): PlotSpec {
  const values = points.map(({ value }) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = Math.abs(low) / 10 || 0.1;
  return low === high ? { domain: [low - room, low + room] } : { padding: 14 };
}

function wholeEpochs(count: number): number[] {
  const step = Math.max(1, Math.ceil(count / 10));
  return Array.from({ length: count }, (_, i) => i + 1).filter((epoch) => epoch % step === 0 || count <= 10);
}

function panelSpec(epochs: readonly EpochRecord[], panel: Panel, theme: Theme): PlotSpec {
  const points = pointsOf(epochs, panel);
  const x = {
    field: 'epoch',
    type: 'quantitative',
    title: 'epoch',
    scale: { domain: epochs.length > 1 ? [1, epochs.length] : [0.5, 1.5], nice: false, padding: 10 },
    axis: { values: wholeEpochs(epochs.length), format: 'd', grid: false },
  };
  const y = {
    field: 'value',
    type: 'quantitative',
    title: null,
    scale: { zero: false, ...rangeOf(points) },
    axis: { tickCount: 5, ...panel.axis },
  };
  const color = colourOf(panel, theme);
  const lines = {
    data: { values: points },
    mark: {
      type: 'line',
      strokeWidth: 2,
      strokeCap: 'round',
      strokeJoin: 'round',
      point: { size: epochs.length > 30 ? 0 : 22 },
    },
    encoding: { x, y, color },
  };
  return {
    width: 300,
    height: 170,
    layer: [...phaseLayers(epochs, theme), lines, ...bestLayers(epochs, panel, theme)],
  };
}

function altOf(epochs: readonly EpochRecord[], panel: Panel): string {
  const ends = Object.entries(panel.series).flatMap(([series, metric]) => {
    const values = epochs
      .map(({ metrics }) => metrics[metric])
      .filter((value) => value !== undefined && Number.isFinite(value));
    const [first, last] = [values[0], values.at(-1)];
    return first === undefined || last === undefined ? [] : [`${series} from ${short(first)} to ${short(last)}`];
  });
  return `${panel.title} over ${epochs.length} ${epochs.length === 1 ? 'epoch' : 'epochs'}: ${ends.join(', ')}.`;
}

function short(value: number): string {
  return Math.abs(value) < 0.001 && value !== 0 ? value.toExponential(1) : value.toFixed(3);
}

/** One plot per metric that was measured: loss, accuracy, F1, ROC-AUC, precision and recall, learning rate. */
export function trainingPlots(epochs: readonly EpochRecord[]): Plot[] {
  return panels
    .filter((panel) => pointsOf(epochs, panel).length > 0)
    .map((panel) => ({
      title: panel.title,
      alt: altOf(epochs, panel),
      spec: (theme) => panelSpec(epochs, panel, theme),
    }));
}

/** Keeps the titles of a row in one line: the learning rate has no legend under its own. */
function sheetTitle({ title }: Plot, phases: number): PlotSpec {
  const legendHeight = phases > 1 ? 21 : 29;
  return { text: title, frame: 'group', offset: 14 + (title === 'Learning rate' ? legendHeight : 0) };
}

/** All training curves on one sheet, as `training_curves_<version>.png` shows them. */
export function trainingSheet(epochs: readonly EpochRecord[]): Plot {
  const plots = trainingPlots(epochs);
  const phases = phaseSpans(epochs).length;
  if (plots.length === 0) {
    const known = panels.flatMap((panel) => Object.values(panel.series)).join(', ');
    const message = `expected epochs with at least one of ${known}; got ${epochs.length} epochs without any`;
    throw new CrosscheckError('CROSSCHECK_REPORT_EMPTY', message);
  }
  return {
    title: 'Training curves',
    alt: plots.map((plot) => plot.alt).join(' '),
    spec: (theme) => ({
      concat: plots.map((plot) => ({ ...plot.spec(theme), title: sheetTitle(plot, phases) })),
      columns: plots.length > 4 ? 3 : 2,
      resolve: { scale: { color: 'independent' } },
      spacing: { row: 28, column: 36 },
      padding: 20,
    }),
  };
}
