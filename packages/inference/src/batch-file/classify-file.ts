import path from 'node:path';
import { type CrosscheckError, isCrosscheckError, messageOf } from '@crosscheck/contract';
import type { Classifier, Prediction } from '../classifier.ts';
import { type ColumnPlan, planColumns, type VerdictColumns } from './columns.ts';
import { mapInOrder } from './in-order.ts';
import { type CsvRow, readRows } from './read-rows.ts';
import { openRowWriter, type RowWriter } from './write-rows.ts';

export interface ClassifyFileOptions {
  /** CSV with a header line. */
  inputFile: string;
  outputFile: string;
  /** Relative picture paths resolve against it. */
  rootDir: string;
  textColumn: string;
  imageColumn: string;
  /** Kept as `true_label` when the input has it. */
  labelColumn: string;
  /** Rows to judge; negative = all. */
  nRows: number;
  /** Rows in flight at a time. */
  width: number;
  /** Which of the verdict's numbers the output carries. */
  columns: VerdictColumns;
  /** Told of every row that became `ERROR`. */
  onProblem(problem: RowProblem): void;
  /** Told after every row, in order. */
  onRow?(row: JudgedRow): void;
}

export interface RowProblem {
  line: number;
  message: string;
}

/** A row and what became of it. */
export interface JudgedRow {
  text: string;
  image: string;
  line: number;
  bytes: number;
  /** Null where the row could not be judged. */
  prediction: Prediction | null;
}

export interface BatchSummary {
  total: number;
  fake: number;
  real: number;
  failed: number;
  /** Mean over the judged rows; NaN when there is none. */
  averageConfidence: number;
}

/** These say that the classifier is gone, not that a row is bad. */
const fatalCodes = ['CROSSCHECK_INFERENCE_WORKER_CRASHED', 'CROSSCHECK_INFERENCE_CLOSED'];

/**
 * Judges every row of a CSV file and writes its columns with the verdict's into another, in the same order, in constant memory. A row
 * that cannot be judged becomes `ERROR,-1,-1.0,-1.0` and the rest goes on. The output appears when it is whole.
 *
 * @throws CROSSCHECK_INFER_INPUT_NOT_FOUND, CROSSCHECK_INFER_COLUMN_MISSING, CROSSCHECK_INFER_CSV_BROKEN,
 * CROSSCHECK_INFER_OUTPUT_UNWRITABLE, CROSSCHECK_INFERENCE_WORKER_CRASHED
 */
export async function classifyFile(classifier: Classifier, options: ClassifyFileOptions): Promise<BatchSummary> {
  const rows = readRows(options.inputFile);
  const columns = {
    file: options.inputFile,
    text: options.textColumn,
    image: options.imageColumn,
    label: options.labelColumn,
  };
  const plan = planColumns((await rows.next()).value?.cells ?? [], columns, options.columns);
  const writer = await openRowWriter(options.outputFile);
  try {
    const summary = await writeVerdicts(classifier, { rows, plan, writer }, options);
    await writer.commit();
    return summary;
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

interface Streams {
  rows: AsyncGenerator<CsvRow>;
  plan: ColumnPlan;
  writer: RowWriter;
}

async function writeVerdicts(
  classifier: Classifier,
  { rows, plan, writer }: Streams,
  options: ClassifyFileOptions,
): Promise<BatchSummary> {
  const tally = { total: 0, fake: 0, real: 0, failed: 0, confidence: 0 };
  await writer.write(plan.header);
  const judge = async (row: CsvRow) => ({ row, ...(await judgeRow(classifier, row, plan, options)) });
  for await (const { row, judged, problem } of mapInOrder(take(rows, options.nRows), options.width, judge)) {
    await writer.write(outputCells(row, judged.prediction, plan, options.columns));
    count(tally, judged.prediction);
    if (problem !== null) options.onProblem({ line: row.line, message: problem });
    options.onRow?.(judged);
  }
  const judgedRows = tally.total - tally.failed;
  const { total, fake, real, failed } = tally;
  return { total, fake, real, failed, averageConfidence: tally.confidence / judgedRows };
}

async function* take<T>(items: AsyncGenerator<T>, limit: number): AsyncGenerator<T> {
  let left = limit;
  if (left === 0) return;
  for await (const item of items) {
    yield item;
    if (--left === 0) return;
  }
}

async function judgeRow(
  classifier: Classifier,
  { cells, line, bytes }: CsvRow,
  plan: ColumnPlan,
  options: ClassifyFileOptions,
): Promise<{ judged: JudgedRow; problem: string | null }> {
  const [text, image] = [cells[plan.textIndex] ?? '', (cells[plan.imageIndex] ?? '').trim()];
  const judged: JudgedRow = { text, image, line, bytes, prediction: null };
  const excess = cells.length - plan.inputColumns;
  if (excess > 0)
    return { judged, problem: `${excess} cells more than the header has columns; quote texts with commas` };
  if (image === '') return { judged, problem: `no picture: column "${options.imageColumn}" is empty` };
  try {
    const [prediction] = await classifier.classify([{ text, image: path.resolve(options.rootDir, image) }]);
    return { judged: { ...judged, prediction: prediction ?? null }, problem: null };
  } catch (error) {
    if (fatalCodes.some((code) => isCrosscheckError(error, code as CrosscheckError['code']))) throw error;
    return { judged, problem: messageOf(error) };
  }
}

function outputCells(
  { cells }: CsvRow,
  prediction: Prediction | null,
  plan: ColumnPlan,
  columns: VerdictColumns,
): string[] {
  const added = verdictCells(prediction, columns);
  const kept = Array.from({ length: plan.inputColumns }, (_, i) => cells[i] ?? '');
  return [...kept, ...added];
}

function verdictCells(prediction: Prediction | null, { probability, confidence }: VerdictColumns): string[] {
  const [label, id, fake, sure] = prediction
    ? [
        prediction.prediction,
        String(prediction.labelId),
        float(prediction.probabilityFake),
        float(prediction.confidence),
      ]
    : ['ERROR', '-1', '-1.0', '-1.0'];
  return [label, id, ...(probability ? [fake] : []), ...(confidence ? [sure] : [])];
}

/** As Python writes floats: 1.0, not 1. */
function float(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

function count(
  tally: { total: number; fake: number; real: number; failed: number; confidence: number },
  prediction: Prediction | null,
) {
  tally.total++;
  if (prediction === null) tally.failed++;
  else {
    tally[prediction.labelId === 1 ? 'fake' : 'real']++;
    tally.confidence += prediction.confidence;
  }
}
