import type { FileRow } from '@crosscheck/posts';
import type { MaybePrediction } from '../abstaining.ts';
import type { ColumnPlan, VerdictColumns } from './columns.ts';

/** A row of a CSV file with its verdict. */
export function outputCells(
  { cells }: FileRow,
  prediction: MaybePrediction | null,
  plan: ColumnPlan,
  columns: VerdictColumns,
): string[] {
  const kept = Array.from({ length: plan.inputColumns }, (_, i) => cells[i] ?? '');
  const { prediction: label, label: id, ...numbers } = verdictOf(prediction, columns);
  return [...kept, label, String(id), ...Object.values(numbers).map(toCell)];
}

/** A line of a JSON Lines file with its verdict; values keep their types, and keys that only some lines have stay. */
export function outputObject(
  { cells, values }: FileRow,
  prediction: MaybePrediction | null,
  plan: ColumnPlan,
  columns: VerdictColumns,
): Record<string, unknown> {
  const verdict = verdictOf(prediction, columns);
  const fields: [string, unknown][] = values
    ? Object.entries(values)
    : plan.inputHeader.map((name, i) => [name, cells[i] ?? '']);
  const rename = (name: string) => plan.renamed.get(name) ?? (Object.hasOwn(verdict, name) ? `input_${name}` : name);
  return { ...Object.fromEntries(fields.map(([name, value]) => [rename(name), value])), ...verdict };
}

interface VerdictFields {
  prediction: string;
  label: number;
  probability?: number;
  confidence?: number;
  modalities?: string;
}

function verdictOf(
  prediction: MaybePrediction | null,
  { probability, confidence, modalities }: VerdictColumns,
): VerdictFields {
  return {
    prediction: prediction?.prediction ?? 'ERROR',
    label: prediction?.labelId ?? -1,
    ...(probability && { probability: prediction?.probabilityFake ?? -1 }),
    ...(confidence && { confidence: prediction?.confidence ?? -1 }),
    ...(modalities && { modalities: prediction ? (prediction.modalities ?? ['image', 'text']).join('+') : '' }),
  };
}

/** As Python writes floats: 1.0, not 1. */
function toCell(value: number | string): string {
  if (typeof value === 'string') return value;
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
