import type { MaybePrediction } from '../abstaining.ts';
import type { BatchSummary } from './classify-file.ts';
import type { FileRow } from './read-rows.ts';

interface Tally {
  total: number;
  fake: number;
  real: number;
  unsure: number;
  failed: number;
  /** Sum and number of the confidences that are known: a resumed file may not carry them. */
  confidence: number;
  confident: number;
}

export function emptyTally(): Tally {
  return { total: 0, fake: 0, real: 0, unsure: 0, failed: 0, confidence: 0, confident: 0 };
}

export function countJudged(tally: Tally, prediction: MaybePrediction | null): void {
  count(tally, prediction?.prediction, prediction?.confidence);
}

/** Counts a row of an earlier output by what stands in it. */
export function countKept(tally: Tally, { cells, values }: FileRow, header: readonly string[]): void {
  const read = (column: string) => (values ? values[column] : cells[header.indexOf(column)]);
  const confidence = read('confidence');
  count(tally, String(read('prediction')), confidence === undefined ? undefined : Number(confidence));
}

const counters: Record<string, 'fake' | 'real' | 'unsure'> = { FAKE: 'fake', REAL: 'real', UNSURE: 'unsure' };

function count(tally: Tally, prediction: string | undefined, confidence: number | undefined): void {
  const counter = counters[prediction ?? ''];
  tally.total++;
  tally[counter ?? 'failed']++;
  if (counter === undefined) return;
  if (confidence === undefined) return;
  tally.confidence += confidence;
  tally.confident++;
}

export function summarize({ total, fake, real, unsure, failed, confidence, confident }: Tally): BatchSummary {
  return { total, fake, real, unsure, failed, averageConfidence: confidence / confident };
}
