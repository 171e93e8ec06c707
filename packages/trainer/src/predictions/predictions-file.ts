import { readFileSync } from 'node:fs';
import { CrosscheckError, labelNames, messageOf } from '@crosscheck/contract';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import type { Prediction } from './prediction.ts';

const columns = ['id', 'image', 'text', 'label', 'probability', 'verdict', 'split', 'loss'] as const;

/** Cells that a spreadsheet would run as a formula: captions come from strangers. */
const formula = /^'*[=+\-@\t\r]/;

const asText = (cell: string) => (formula.test(cell) ? `'${cell}` : cell);
const asWritten = (cell: string) => (cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell);

/**
 * Predictions as CSV: UTF-8, a header, quotes where they are needed, numbers in full. An id, a picture's path or a caption that a spreadsheet would
 * take for a formula gets an apostrophe before it, as spreadsheets themselves mark text.
 */
export function formatPredictions(predictions: readonly Prediction[]): string {
  const rows = predictions.map((row) => ({
    ...row,
    id: asText(row.id),
    image: asText(row.image),
    text: asText(row.text),
  }));
  return stringify(rows, { header: true, columns: [...columns] });
}

const number = z.string().min(1).transform(Number).pipe(z.number());

const rowSchema = z.object({
  id: z.string().transform(asWritten),
  image: z.string().transform(asWritten),
  text: z.string().transform(asWritten),
  label: z.enum(['0', '1']).transform((label) => (label === '1' ? 1 : 0)),
  probability: number.pipe(z.number().min(0).max(1)),
  verdict: z.enum([labelNames[0], labelNames[1]]),
  split: z.string().min(1),
  loss: number,
});

/** @throws CROSSCHECK_COMPARE_UNREADABLE */
export function readPredictions(file: string): Prediction[] {
  try {
    const rows: unknown[] = parse(readFileSync(file), { bom: true, columns: true });
    return z.array(rowSchema).parse(rows) satisfies Prediction[];
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/** A file of a run that is not what a run writes. */
export function unreadable(file: string, cause: unknown): CrosscheckError {
  const reason = cause instanceof z.ZodError ? describeIssue(cause) : messageOf(cause);
  const message = `expected what pnpm train or pnpm evaluate wrote in ${file}, got something else: ${reason}; evaluate again`;
  return new CrosscheckError('CROSSCHECK_COMPARE_UNREADABLE', message, { cause });
}

function describeIssue({ issues: [issue] }: z.ZodError): string {
  return issue === undefined ? 'it cannot be read' : `${issue.path.join('.') || 'its top'}: ${issue.message}`;
}
