import { stat } from 'node:fs/promises';
import path from 'node:path';
import {
  type AbstainBand,
  artifactFiles,
  type CrosscheckError,
  isCrosscheckError,
  messageOf,
  throwIfStopped,
} from '@crosscheck/contract';
import { type MaybePrediction, requireBand, withBand } from '../abstaining.ts';
import type { Classifier } from '../classifier.ts';
import { type ColumnPlan, planColumns, type VerdictColumns } from './columns.ts';
import { mapInOrder } from './in-order.ts';
import { isJsonLines } from './read-json-rows.ts';
import { type FileRow, readRows } from './read-rows.ts';
import { describePartial, forgetPartial, openEarlier, type Undertaking } from './resume.ts';
import { countJudged, countKept, emptyTally, summarize } from './tally.ts';
import { outputCells, outputObject } from './verdict-row.ts';
import { openRowWriter, type RowWriter } from './write-rows.ts';

export interface ClassifyFileOptions {
  /** CSV with a header line, or JSON Lines (`.jsonl`, `.ndjson`). */
  inputFile: string;
  /** In the form that its name asks for, whatever the input's. */
  outputFile: string;
  /** Go on from what an interrupted run left; after an error, leave it for the next. @default false */
  resume?: boolean;
  /** Relative picture paths resolve against it. */
  rootDir: string;
  /** Brings the picture of a path from elsewhere, in place of `rootDir`. */
  readImage?(image: string): Promise<Uint8Array>;
  /** Whether an error says that nothing works any more, not that a row is bad. */
  isFatal?(error: unknown): boolean;
  textColumn: string;
  imageColumn: string;
  /** Kept as `true_label` when the input has it. */
  labelColumn: string;
  /** Rows to judge; negative = all. */
  nRows: number;
  /** Rows in flight at a time. */
  width: number;
  /** Which of the verdict's numbers the output carries; which parts a post had is added where posts may lack one. */
  columns: Omit<VerdictColumns, 'modalities'>;
  /** Write UNSURE inside the model's abstain band. @default false */
  abstain?: boolean;
  /** Told of every row that became `ERROR`. */
  onProblem(problem: RowProblem): void;
  /** Told how many rows an interrupted run had judged. */
  onResumed?(rows: number): void;
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
  prediction: MaybePrediction | null;
}

export interface BatchSummary {
  total: number;
  fake: number;
  real: number;
  /** Inside the abstain band, where that was asked for. */
  unsure: number;
  failed: number;
  /** Mean over the judged rows; NaN when there is none. */
  averageConfidence: number;
}

/** These say that the classifier is gone, not that a row is bad. */
const fatalCodes = ['CROSSCHECK_INFERENCE_WORKER_CRASHED', 'CROSSCHECK_INFERENCE_CLOSED'];

/**
 * Judges every row of a file and writes its columns with the verdict's into another, in the same order, in constant memory. A row that
 * cannot be judged becomes `ERROR,-1,-1.0,-1.0` and the rest goes on. The output appears when it is whole.
 *
 * @throws CROSSCHECK_INFER_INPUT_NOT_FOUND, CROSSCHECK_INFER_COLUMN_MISSING, CROSSCHECK_INFER_CSV_BROKEN, CROSSCHECK_INFER_INPUT_BROKEN,
 * CROSSCHECK_INFER_OUTPUT_UNWRITABLE, CROSSCHECK_INFER_RESUME_MISMATCH, CROSSCHECK_INFERENCE_WORKER_CRASHED, CROSSCHECK_INFERENCE_NO_BAND
 */
export async function classifyFile(classifier: Classifier, given: ClassifyFileOptions): Promise<BatchSummary> {
  const options = { ...given, columns: { ...given.columns, modalities: mayLackParts(classifier) } };
  const band = given.abstain ? requireBand(classifier) : null;
  const rows = readRows(options.inputFile);
  const columns = {
    file: options.inputFile,
    text: options.textColumn,
    image: options.imageColumn,
    label: options.labelColumn,
  };
  const plan = planColumns((await rows.next()).value?.cells ?? [], columns, options.columns);
  const undertaking = { ...(await describe(classifier, plan, options)), abstainBand: band };
  const earlier = options.resume ? await openEarlier(options.outputFile, undertaking) : null;
  const writer = await openRowWriter(options.outputFile);
  try {
    await describePartial(options.outputFile, undertaking);
    const summary = await writeVerdicts(classifier, { rows, earlier, plan, writer, band }, options);
    await writer.commit();
    await forgetPartial(options.outputFile);
    return summary;
  } catch (error) {
    if (options.resume) await writer.keep();
    else {
      await writer.discard();
      await forgetPartial(options.outputFile);
    }
    throw error;
  }
}

async function describe(
  { artifact, threshold }: Classifier,
  { header }: ColumnPlan,
  { inputFile }: ClassifyFileOptions,
): Promise<Omit<Undertaking, 'abstainBand'>> {
  const { size, mtimeMs } = await stat(inputFile);
  return {
    inputFile: path.resolve(inputFile),
    inputBytes: size,
    inputModifiedMs: mtimeMs,
    model: artifact.sha256[artifactFiles.onnxData] ?? '',
    threshold,
    temperature: artifact.temperature,
    header,
  };
}

/** Whether the model judges posts without a picture or without words. */
function mayLackParts({ artifact }: Classifier): boolean {
  return Object.values(artifact.modalities).includes('optional');
}

interface Streams {
  rows: AsyncGenerator<FileRow>;
  /** Rows that an interrupted run wrote, header first. */
  earlier: AsyncGenerator<FileRow> | null;
  plan: ColumnPlan;
  writer: RowWriter;
  band: AbstainBand | null;
}

async function writeVerdicts(
  classifier: Classifier,
  { rows, earlier, plan, writer, band }: Streams,
  options: ClassifyFileOptions & { columns: VerdictColumns },
): Promise<BatchSummary> {
  const tally = emptyTally();
  const isJson = isJsonLines(options.outputFile);
  if (!isJson) await writer.write(plan.header);
  if (earlier) {
    await earlier.next(); // the header
    for await (const row of earlier) {
      await writer.write(isJson ? (row.values ?? {}) : row.cells);
      countKept(tally, row, plan.header);
      await rows.next();
    }
    options.onResumed?.(tally.total);
  }
  const left = options.nRows < 0 ? options.nRows : Math.max(0, options.nRows - tally.total);
  const judge = async (row: FileRow) => ({ row, ...(await judgeRow(classifier, row, plan, { ...options, band })) });
  const toOutput = isJson ? outputObject : outputCells;
  for await (const { row, judged, problem } of mapInOrder(take(rows, left), options.width, judge)) {
    throwIfStopped();
    await writer.write(toOutput(row, judged.prediction, plan, options.columns));
    countJudged(tally, judged.prediction);
    if (problem !== null) options.onProblem({ line: row.line, message: problem });
    options.onRow?.(judged);
  }
  return summarize(tally);
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
  { cells, line, bytes, problem }: FileRow,
  plan: ColumnPlan,
  options: ClassifyFileOptions & { band: AbstainBand | null },
): Promise<{ judged: JudgedRow; problem: string | null }> {
  const [text, image] = [cells[plan.textIndex] ?? '', (cells[plan.imageIndex] ?? '').trim()];
  const judged: JudgedRow = { text, image, line, bytes, prediction: null };
  if (problem !== undefined) return { judged, problem };
  const excess = cells.length - plan.inputColumns;
  if (excess > 0)
    return { judged, problem: `${excess} cells more than the header has columns; quote texts with commas` };
  if (image === '' && classifier.artifact.modalities.image === 'required')
    return { judged, problem: `no picture: column "${options.imageColumn}" is empty` };
  try {
    const picture = image === '' ? null : await readPicture(image, options);
    const [prediction] = await classifier.classify([{ text, image: picture }]);
    return { judged: { ...judged, prediction: prediction ? withBand(prediction, options.band) : null }, problem: null };
  } catch (error) {
    const isGone = fatalCodes.some((code) => isCrosscheckError(error, code as CrosscheckError['code']));
    if (isGone || options.isFatal?.(error)) throw error;
    return { judged, problem: messageOf(error) };
  }
}

async function readPicture(image: string, options: ClassifyFileOptions): Promise<Uint8Array | string> {
  return (await options.readImage?.(image)) ?? path.resolve(options.rootDir, image);
}
