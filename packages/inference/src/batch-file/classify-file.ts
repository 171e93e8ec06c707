import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type AbstainBand, artifactFiles, CrosscheckError, throwIfStopped } from '@crosscheck/contract';
import {
  countRest,
  createImageLocator,
  createLabelReader,
  createMeaningCheck,
  type FileRow,
  isJsonLines,
  type LabelWords,
  type MeaningCheck,
  type OpenOptions,
  openPosts,
} from '@crosscheck/posts';
import { requireBand } from '../abstaining.ts';
import type { Classifier } from '../classifier.ts';
import { type ColumnPlan, planColumns, type VerdictColumns } from './columns.ts';
import { mapInOrder } from './in-order.ts';
import { type JudgedRow, type JudgeOptions, judgeRow } from './judge-row.ts';
import { describePartial, forgetPartial, openEarlier, type Undertaking } from './resume.ts';
import { type BatchSummary, openTally, type RowProblem, type Tally } from './tally.ts';
import { outputCells, outputObject } from './verdict-row.ts';
import { openRowWriter, type RowWriter } from './write-rows.ts';

export interface ClassifyFileOptions
  extends Pick<JudgeOptions, 'readImage' | 'isFatal'>,
    Pick<OpenOptions, 'encoding' | 'delimiter' | 'mayBeEmpty'> {
  /** CSV with a header line, or JSON Lines (`.jsonl`, `.ndjson`). */
  inputFile: string;
  /** In the form that its name asks for, whatever the input's. */
  outputFile: string;
  /** Go on from what an interrupted run left; after an error, leave it for the next. @default false */
  resume?: boolean;
  /** Images lie in it or below; relative paths start there. */
  rootDir: string;
  /** Whether images may lie elsewhere, too. @default false */
  allowOutsideRoot?: boolean;
  /** What the user calls these two. */
  keys?: { root: string; allowOutsideRoot: string };
  textColumn: string;
  imageColumn: string;
  /** Kept as `true_label` when the input has it. */
  labelColumn: string;
  /** What its words mean, to count right verdicts. */
  labels?: LabelWords | null;
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
  onResumed?: (rows: number) => void;
  /** Told after every row, in order. */
  onRow?(row: JudgedRow): void;
}

/**
 * Judges every row of a file and writes its columns with the verdict's into another, in the same order, in constant memory. A row that
 * cannot be judged becomes `ERROR,-1,-1.0,-1.0` and the rest goes on. The output appears when it is whole.
 *
 * @throws what `readRows` throws, CROSSCHECK_DATA_MISSING_COLUMN, CROSSCHECK_DATA_NOT_FOUND for a `rootDir` that is not there,
 * CROSSCHECK_INFER_OUTPUT_UNWRITABLE, CROSSCHECK_INFER_RESUME_MISMATCH, CROSSCHECK_INFERENCE_WORKER_CRASHED, CROSSCHECK_INFERENCE_NO_BAND
 */
export async function classifyFile(classifier: Classifier, given: ClassifyFileOptions): Promise<BatchSummary> {
  const options = { ...given, columns: { ...given.columns, modalities: mayLackParts(classifier) } };
  const band = given.abstain ? requireBand(classifier) : null;
  const { inputFile, textColumn, imageColumn, labelColumn } = options;
  const { encoding = 'auto', delimiter = null, mayBeEmpty = false } = options;
  const columns = { text: textColumn, image: imageColumn, label: labelColumn };
  const reading = { encoding, delimiter, keys: 'data.', columns, labelRequired: false, mayBeEmpty };
  const { rows, ...found } = await openPosts(inputFile, reading);
  const plan = planColumns(found, labelColumn, options.columns);
  const meaning = options.labels ? null : createMeaningCheck({ ...found, file: inputFile, labelColumn, keys: 'data.' });
  await requireRootDir(classifier, options);
  const undertaking = { ...(await describe(classifier, plan, options)), abstainBand: band };
  const earlier = options.resume ? await openEarlier(options.outputFile, undertaking) : null;
  const writer = await openRowWriter(options.outputFile);
  try {
    await describePartial(options.outputFile, undertaking);
    const summary = await writeVerdicts(classifier, { rows, earlier, plan, writer, band, meaning }, options);
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

const usualKeys = { root: 'inference.batch.root_dir', allowOutsideRoot: 'inference.batch.allow_outside_root' };

/** Without its folder every image would be missing; posts without images need none. */
async function requireRootDir(
  { artifact }: Classifier,
  { rootDir, readImage, keys = usualKeys }: ClassifyFileOptions,
): Promise<void> {
  if (readImage || artifact.modalities.image === 'optional') return;
  const found = await stat(rootDir).catch(() => null);
  if (found?.isDirectory()) return;
  const message = `expected a folder of images at ${path.resolve(rootDir)}, got ${found ? 'a file' : 'nothing'}; set ${keys.root}`;
  throw new CrosscheckError('CROSSCHECK_DATA_NOT_FOUND', message);
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
  meaning: MeaningCheck | null;
}

/** So much of a file is read only to say how many rows it has: less than a second of one core. */
const maxCountedBytes = 32 * 2 ** 20;

async function writeVerdicts(
  classifier: Classifier,
  streams: Streams,
  options: ClassifyFileOptions & { columns: VerdictColumns },
): Promise<BatchSummary> {
  const { rows, plan, writer, band, meaning } = streams;
  const labelOf = createLabelReader({ labels: options.labels ?? null });
  const { threshold } = classifier;
  const tally = openTally({ labelIndex: plan.labelIndex, labelOf, meaning, threshold });
  const isJson = isJsonLines(options.outputFile);
  if (!isJson) await writer.write(plan.header);
  await copyEarlier(streams, { tally, isJson }, options);
  const left = options.nRows < 0 ? options.nRows : Math.max(0, options.nRows - tally.total());
  const judging = judgeOptions(options, plan, band);
  const judge = async (row: FileRow) => ({ row, ...(await judgeRow(classifier, row, judging)) });
  const toOutput = isJson ? outputObject : outputCells;
  for await (const { row, judged, problem, isRespelt } of mapInOrder(take(rows, left), options.width, judge)) {
    throwIfStopped();
    await writer.write(toOutput(row, judged.prediction, plan, options.columns));
    tally.judged(judged.prediction, row.cells);
    if (isRespelt) tally.respelt();
    if (problem !== null) tally.failed(problem);
    if (problem !== null) options.onProblem(problem);
    options.onRow?.(judged);
  }
  return tally.summarize(await countRest(rows, { maxBytes: maxCountedBytes }));
}

function judgeOptions(options: ClassifyFileOptions, plan: ColumnPlan, band: AbstainBand | null): JudgeOptions {
  const { rootDir, allowOutsideRoot = false, keys = usualKeys, imageColumn, readImage, isFatal } = options;
  const locate = createImageLocator({ root: rootDir, allowOutsideRoot, keys });
  return { plan, band, imageColumn, locate, ...(readImage && { readImage }), ...(isFatal && { isFatal }) };
}

async function copyEarlier(
  { earlier, rows, plan, writer }: Streams,
  { tally, isJson }: { tally: Tally; isJson: boolean },
  { onResumed }: ClassifyFileOptions,
): Promise<void> {
  if (earlier === null) return;
  await earlier.next(); // the header
  for await (const row of earlier) {
    await writer.write(isJson ? (row.values ?? {}) : row.cells);
    tally.kept(row, plan.header);
    await rows.next();
  }
  onResumed?.(tally.total());
}

/** The first items; the others stay to be counted. */
async function* take<T>(items: AsyncGenerator<T>, limit: number): AsyncGenerator<T> {
  for (let left = limit; left !== 0; left--) {
    const { value, done } = await items.next();
    if (done) return;
    yield value;
  }
}
