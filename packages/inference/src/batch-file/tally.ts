import type { Prediction } from '../classifier.ts';
import type { BatchSummary } from './classify-file.ts';
import type { FileRow } from './read-rows.ts';

interface Tally {
  total: number;
  fake: number;
  real: number;
  failed: number;
  /** Sum and number of the confidences that are known: a resumed file may not carry them. */
  confidence: number;
  confident: number;
}

export function emptyTally(): Tally {
  return { total: 0, fake: 0, real: 0, failed: 0, confidence: 0, confident: 0 };
}

export function countJudged(tally: Tally, prediction: Prediction | null): void {
  count(tally, prediction?.labelId ?? -1, prediction?.confidence);
}

/** Counts a row of an earlier output by what stands in it. */
export function countKept(tally: Tally, { cells, values }: FileRow, header: readonly string[]): void {
  const read = (column: string) => (values ? values[column] : cells[header.indexOf(column)]);
  const confidence = read('confidence');
  count(tally, Number(read('label')), confidence === undefined ? undefined : Number(confidence));
}

function count(tally: Tally, labelId: number, confidence: number | undefined): void {
  tally.total++;
  if (labelId < 0) {
    tally.failed++;
    return;
  }
  tally[labelId === 1 ? 'fake' : 'real']++;
  if (confidence === undefined) return;
  tally.confidence += confidence;
  tally.confident++;
}

export function summarize({ total, fake, real, failed, confidence, confident }: Tally): BatchSummary {
  return { total, fake, real, failed, averageConfidence: confidence / confident };
}
