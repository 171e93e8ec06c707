import type { ErrorCode, LabelId } from '@crosscheck/contract';
import type { FileRow, RestOfFile } from '@crosscheck/posts';
import type { MaybePrediction } from '../abstaining.ts';
import { type Comparing, compareLabels, type Labelled } from './labelled.ts';

/** What became of the rows of a file. */
export interface BatchSummary {
  total: number;
  /** What of the file comes behind the judged rows. */
  rest: RestOfFile;
  fake: number;
  real: number;
  /** Inside the abstain band, where that was asked for. */
  unsure: number;
  failed: number;
  /** Rows that could not be judged by why, the commonest first; those of an interrupted run are not among them. */
  failures: Failure[];
  /** Mean over the judged rows; NaN when there is none. */
  averageConfidence: number;
  /** Compares verdicts with labels when it is asked for: that takes up to a second. */
  labelled: () => Labelled;
  /** Images whose path is spelt otherwise than their file. */
  respelt: number;
}

export interface Failure {
  code: ErrorCode | 'other';
  rows: number;
  /** Of the first of these rows. */
  message: string;
}

export interface RowProblem {
  line: number;
  code: ErrorCode | 'other';
  message: string;
}

/** Counts rows as they are judged. */
export interface Tally {
  judged(prediction: MaybePrediction | null, cells: readonly string[]): void;
  /** A row of an earlier output, by what stands in it. */
  kept(row: FileRow, header: readonly string[]): void;
  failed(problem: RowProblem): void;
  respelt(): void;
  total(): number;
  summarize(rest: RestOfFile): BatchSummary;
}

const answers: Record<string, 'fake' | 'real' | 'unsure'> = { FAKE: 'fake', REAL: 'real', UNSURE: 'unsure' };
const labelIds: Record<string, LabelId> = { REAL: 0, FAKE: 1 };

export function openTally(comparing: Comparing): Tally {
  const counts = { total: 0, fake: 0, real: 0, unsure: 0, failed: 0, respelt: 0 };
  // Sum and number of the confidences that are known: a resumed file may not carry them.
  const confidence = { sum: 0, rows: 0 };
  const labelled = compareLabels(comparing);
  const failures = new Map<string, Failure>();

  function count(cells: readonly string[], answer: string, numbers: { sureness: number; probability: number }): void {
    const counter = answers[answer];
    counts.total++;
    counts[counter ?? 'failed']++;
    if (counter === undefined) return;
    labelled.add(cells, labelIds[answer], numbers.probability);
    if (Number.isNaN(numbers.sureness)) return;
    confidence.sum += numbers.sureness;
    confidence.rows++;
  }

  return {
    judged(prediction, cells) {
      const { confidence: sureness = Number.NaN, probabilityFake: probability = Number.NaN } = prediction ?? {};
      count(cells, prediction?.prediction ?? 'ERROR', { sureness, probability });
    },
    kept(row, header) {
      const cells = row.values ? header.map((name) => toCell(row.values?.[name])) : row.cells;
      const read = (column: string) => cells[header.indexOf(column)] ?? '';
      const number = (column: string) => Number.parseFloat(read(column));
      count(cells, read('prediction'), { sureness: number('confidence'), probability: number('probability') });
    },
    failed({ code, message }) {
      const failure = failures.get(code) ?? { code, rows: 0, message };
      failure.rows++;
      failures.set(code, failure);
    },
    respelt: () => void counts.respelt++,
    total: () => counts.total,
    summarize: (rest) => ({
      ...counts,
      rest,
      failures: [...failures.values()].sort((a, b) => b.rows - a.rows),
      averageConfidence: confidence.sum / confidence.rows,
      labelled: () => labelled.result(),
    }),
  };
}

const toCell = (value: unknown) =>
  value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
