import { labelNames } from '@crosscheck/contract';
import type { Confusion } from '@crosscheck/evaluation';
import type { Plot, PlotSpec } from '../plot.ts';
import type { Theme } from '../theme.ts';

interface Cell {
  actual: string;
  predicted: string;
  count: number;
  /** Of the posts that truly are `actual`. */
  share: number;
  shareText: string;
}

function cellsOf({ tn, fp, fn, tp }: Confusion): Cell[] {
  const rows: [number, number][] = [
    [tn, fp],
    [fn, tp],
  ];
  return rows.flatMap((counts, actual) =>
    counts.map((count, predicted) => {
      const share = count / Math.max(1, counts[0] + counts[1]);
      const shareText = `${(100 * share).toFixed(1)} %`;
      return {
        actual: labelNames[actual] as string,
        predicted: labelNames[predicted] as string,
        count,
        share,
        shareText,
      };
    }),
  );
}

function matrixSpec(confusion: Confusion, theme: Theme): PlotSpec {
  const axis = {
    domain: false,
    ticks: false,
    grid: false,
    labelFontSize: 13,
    labelFontWeight: 600,
    labelColor: theme.ink,
  };
  const scale = { paddingInner: 0.03 };
  const x = {
    field: 'predicted',
    type: 'nominal',
    title: 'judged',
    sort: labelNames,
    scale,
    axis: { ...axis, orient: 'top', labelAngle: 0 },
  };
  const y = { field: 'actual', type: 'nominal', title: 'truly', sort: labelNames, scale, axis };
  const color = { condition: { test: 'datum.share > 0.55', value: theme.onAccent }, value: theme.ink };
  const opacity = { field: 'share', type: 'quantitative', scale: { domain: [0, 1], range: [0.06, 1] }, legend: null };
  const text = (field: string, mark: PlotSpec) => ({
    mark: { type: 'text', ...mark },
    encoding: {
      x,
      y,
      color,
      text: {
        field,
        type: field === 'count' ? 'quantitative' : 'nominal',
        ...(field === 'count' ? { format: ',' } : {}),
      },
    },
  });
  return {
    width: 300,
    height: 300,
    data: { values: cellsOf(confusion) },
    layer: [
      { mark: { type: 'rect', cornerRadius: 6, color: theme.accent }, encoding: { x, y, fillOpacity: opacity } },
      text('count', { fontSize: 30, fontWeight: 600, dy: -8 }),
      text('shareText', { fontSize: 13, dy: 20 }),
    ],
  };
}

/** Counts and shares of the four outcomes; a darker cell holds more of its row. */
export function confusionPlot(confusion: Confusion): Plot {
  const { tn, fp, fn, tp } = confusion;
  return {
    title: 'Confusion matrix',
    alt: `Confusion matrix: of ${tn + fp} REAL posts ${tn} were judged REAL and ${fp} FAKE; of ${fn + tp} FAKE posts ${tp} were judged FAKE and ${fn} REAL.`,
    spec: (theme) => matrixSpec(confusion, theme),
  };
}
