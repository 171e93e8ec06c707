import { readFileSync } from 'node:fs';
import { type RowSet, rowSetSchema } from '@crosscheck/contract';
import type { Confusion, Estimate, MetricName } from '@crosscheck/evaluation';
import { z } from 'zod';
import { unreadable } from './predictions-file.ts';

/** What `val_results.json` holds, and of `eval_results.json` what both have. */
export interface StoredResult {
  model: string;
  name: string;
  version: string;
  split: string;
  rows: number;
  /** The judged CSV by its sha256, and which part of it. */
  data: RowSet;
  /** The same of the posts that the model was trained on. */
  trainedOn: RowSet | null;
  threshold: number;
  temperature: number;
  metrics: Record<MetricName, Estimate>;
  confusion: Confusion;
}

const storedSchema = z.object({
  model: z.string(),
  name: z.string(),
  version: z.string(),
  split: z.string(),
  data: rowSetSchema,
  trainedOn: rowSetSchema.nullable().default(null),
  threshold: z.number().min(0).max(1),
  trained: z.object({ config: z.unknown() }).optional(),
});

/** What the comparison needs of a stored result; `trained` is a checkpoint's own config, for an evaluation. */
export type ReadResult = z.infer<typeof storedSchema>;

/** @throws CROSSCHECK_COMPARE_UNREADABLE */
export function readResult(file: string): ReadResult {
  try {
    return storedSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw unreadable(file, cause);
  }
}
