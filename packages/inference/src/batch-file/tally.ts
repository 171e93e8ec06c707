import type { ErrorCode, LabelId } from '@crosscheck/contract';
import { type FileRow, isMissing, type LabelReader } from '@crosscheck/posts';
import type { MaybePrediction } from '../abstaining.ts';

/** What became of the rows of a file. */
export interface BatchSummary {
  total: number;
  /** All rows of the file, judged or not; null where the rest cannot be read. */
  rowsInFile: number | null;
  fake: number;
  real: number;
  /** Inside the abstain band, where that was asked for. */
  unsure: number;
  failed: number;
  /** Rows that could not be judged by why, the commonest first; those of an interrupted run are not among them. */
  failures: Failure[];
  /** Mean over the judged rows; NaN when there is none. */
  averageConfidence: number;
  labelled: Labelled;
  /** Images whose path is spelt otherwise than their file. */
  respelt: number;
}

export interface Failure {
  code: ErrorCode | 'other';
  rows: number;
  /** Of the first of these rows. */
  message: string;
}

/** Rows whose file says what they are, and that got a verdict. */
export interface Labelled {
  real: number;
  fake: number;
  /** With the right verdict. */
  right: number;
  /** Words that are no known label, with their counts. */
  unknown: ReadonlyMap<string, number>;
}

export interface RowProblem {
  line: number;
  code: ErrorCode | 'other';
  message: string;
}

/** Counts rows as they are judged. */
export interface Tally {
  judged(prediction: MaybePrediction | null, label: string | undefined): void;
  /** A row of an earlier output, by what stands in it. */
  kept(row: FileRow, header: readonly string[], labelColumn: string | undefined): void;
  failed(problem: RowProblem): void;
  respelt(): void;
  total(): number;
  summarize(rowsInFile: number | null): BatchSummary;
}

const answers: Record<string, 'fake' | 'real' | 'unsure'> = { FAKE: 'fake', REAL: 'real', UNSURE: 'unsure' };
const labelIds: Record<string, LabelId> = { REAL: 0, FAKE: 1 };

export function openTally(labelOf: LabelReader): Tally {
  const counts = { total: 0, fake: 0, real: 0, unsure: 0, failed: 0, respelt: 0 };
  // Sum and number of the confidences that are known: a resumed file may not carry them.
  const confidence = { sum: 0, rows: 0 };
  const labelled = { real: 0, fake: 0, right: 0, unknown: new Map<string, number>() };
  const failures = new Map<string, Failure>();

  function count(answer: string, sureness: number | undefined, label: string | undefined): void {
    const counter = answers[answer];
    counts.total++;
    counts[counter ?? 'failed']++;
    if (counter === undefined) return;
    compare(labelIds[answer], label ?? '');
    if (sureness === undefined) return;
    confidence.sum += sureness;
    confidence.rows++;
  }

  /** An abstained verdict is neither right nor wrong. */
  function compare(verdict: LabelId | undefined, cell: string): void {
    const label = labelOf(cell);
    const word = cell.trim();
    if (label === null && !isMissing(word)) labelled.unknown.set(word, (labelled.unknown.get(word) ?? 0) + 1);
    if (label === null || verdict === undefined) return;
    labelled[label === 1 ? 'fake' : 'real']++;
    if (label === verdict) labelled.right++;
  }

  return {
    judged: (prediction, label) => count(prediction?.prediction ?? 'ERROR', prediction?.confidence, label),
    kept({ cells, values }, header, labelColumn) {
      const read = (column: string) => (values ? values[column] : cells[header.indexOf(column)]);
      const sureness = read('confidence');
      const label = labelColumn === undefined ? undefined : read(labelColumn);
      count(String(read('prediction')), sureness === undefined ? undefined : Number(sureness), toCell(label));
    },
    failed({ code, message }) {
      const failure = failures.get(code) ?? { code, rows: 0, message };
      failure.rows++;
      failures.set(code, failure);
    },
    respelt: () => void counts.respelt++,
    total: () => counts.total,
    summarize: (rowsInFile) => ({
      ...counts,
      rowsInFile,
      failures: [...failures.values()].sort((a, b) => b.rows - a.rows),
      averageConfidence: confidence.sum / confidence.rows,
      labelled,
    }),
  };
}

const toCell = (value: unknown) => (typeof value === 'string' || value === undefined ? value : JSON.stringify(value));
