import { bestEpoch, type EpochRecord, phaseSpans } from '../history.ts';
import { trainingPlots } from '../plots/training-curves.ts';
import type { ReportData } from '../report-data.ts';
import { figures } from './figures.ts';
import { type Column, type Html, html, type Section, table } from './html.ts';
import { formatMetric, formatRate } from './numbers.ts';

/** Columns of the epoch table that come first, when they were measured. */
const metricOrder = [
  'train/loss',
  'val/loss',
  'train/accuracy',
  'val/accuracy',
  'val/precision',
  'val/recall',
  'train/f1',
  'val/f1',
  'train/auc',
  'val/auc',
  'learning_rate',
];

function measuredMetrics(epochs: readonly EpochRecord[]): string[] {
  const present = new Set(epochs.flatMap(({ metrics }) => Object.keys(metrics)));
  const others = [...present].filter((metric) => !metricOrder.includes(metric)).sort();
  return [...metricOrder.filter((metric) => present.has(metric)), ...others];
}

function epochTable(epochs: readonly EpochRecord[], best: number | null): Html {
  const indexed = epochs.map((record, i) => ({ ...record, number: i + 1, isBest: i === best }));
  type Row = (typeof indexed)[number];
  const metricColumn = (metric: string): Column<Row> => ({
    heading: metric === 'learning_rate' ? 'learning rate' : metric.replace('/', ' '),
    isNumber: true,
    cell: ({ metrics }) => (metric === 'learning_rate' ? formatRate(metrics[metric]) : formatMetric(metrics[metric])),
  });
  return table(
    'Epochs',
    [
      {
        heading: 'epoch',
        isNumber: true,
        cell: (row: Row) => html`${row.number}${row.isBest ? html` <strong title="best epoch">best</strong>` : null}`,
      },
      { heading: 'phase', cell: (row) => row.phase },
      ...measuredMetrics(epochs).map(metricColumn),
    ],
    indexed,
  );
}

function phaseTable({ epochs = [], phases = [], bestMetric }: ReportData): Html {
  const columns = [...new Set(phases.flatMap(({ details }) => Object.keys(details)))];
  const spans = phaseSpans(epochs);
  type Row = (typeof spans)[number];
  const bestIn = ({ first, last }: Row) => {
    const inside = epochs.slice(first - 1, last);
    const best = bestMetric === undefined ? null : bestEpoch(inside, bestMetric);
    return best === null ? 'n/a' : formatMetric(inside[best]?.metrics[bestMetric as string]);
  };
  const detail = (phase: string, column: string) =>
    phases.find((entry) => entry.phase === phase)?.details[column] ?? '';
  return table(
    'Phases',
    [
      { heading: 'phase', cell: (row: Row) => row.phase },
      { heading: 'epochs', isNumber: true, cell: ({ first, last }) => (first === last ? first : `${first} – ${last}`) },
      ...(bestMetric === undefined
        ? []
        : [{ heading: `best ${bestMetric.replace('/', ' ')}`, isNumber: true, cell: bestIn }]),
      ...columns.map((column) => ({
        heading: column,
        isNumber: true,
        cell: ({ phase }: Row) => detail(phase, column),
      })),
    ],
    spans,
  );
}

/** Curves, phases and epochs. */
export async function trainingSection(data: ReportData): Promise<Section> {
  const { epochs = [], bestMetric } = data;
  const best = bestMetric === undefined ? null : bestEpoch(epochs, bestMetric);
  return {
    id: 'training',
    heading: 'Training',
    body: html`${await figures(trainingPlots(epochs), 'small')}
${phaseTable(data)}
<details><summary>All ${epochs.length} epochs</summary>${epochTable(epochs, best)}</details>`,
  };
}
