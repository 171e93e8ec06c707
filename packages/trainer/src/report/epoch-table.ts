import type { EpochRecord } from '../loop/history.ts';

const columns: readonly { title: string; value: (record: EpochRecord) => string }[] = [
  { title: 'epoch', value: ({ epoch }) => String(epoch) },
  { title: 'phase', value: ({ phase }) => phase },
  ...['train/loss', 'train/accuracy', 'val/loss', 'val/accuracy', 'val/f1', 'val/auc'].map((key) => ({
    title: key.replace('accuracy', 'acc'),
    value: ({ metrics }: EpochRecord) => metrics[key]?.toFixed(4) ?? '–',
  })),
  { title: 's', value: ({ seconds }) => seconds.toFixed(1) },
];

/** The epochs of a run as text; the best is marked. Fits 80 columns. */
export function epochTable(history: readonly EpochRecord[], best: number | null): string {
  const rows = [
    columns.map(({ title }) => title),
    ...history.map((record) => columns.map(({ value }) => value(record))),
  ];
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row, i) => {
      const isBest = i > 0 && history[i - 1]?.epoch === best;
      const cells = row.map((cell, j) => (j === 1 ? cell.padEnd(widths[j] ?? 0) : cell.padStart(widths[j] ?? 0)));
      return `${isBest ? '*' : ' '} ${cells.join(' ')}`.trimEnd();
    })
    .join('\n');
}
