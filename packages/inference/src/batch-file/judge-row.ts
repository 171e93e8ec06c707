import { type AbstainBand, type ErrorCode, isCrosscheckError, messageOf } from '@crosscheck/contract';
import {
  describeShape,
  type FileRow,
  type FoundImage,
  type ImageLocator,
  isMissing,
  type LostImage,
} from '@crosscheck/posts';
import { type MaybePrediction, withBand } from '../abstaining.ts';
import type { Classifier } from '../classifier.ts';
import type { ColumnPlan } from './columns.ts';
import type { RowProblem } from './tally.ts';

/** A row and what became of it. */
export interface JudgedRow {
  text: string;
  image: string;
  line: number;
  bytes: number;
  /** Null where the row could not be judged. */
  prediction: MaybePrediction | null;
}

export interface JudgeOptions {
  plan: ColumnPlan;
  band: AbstainBand | null;
  imageColumn: string;
  locate: ImageLocator;
  /** Brings the image of a path from elsewhere, in place of `locate`. */
  readImage?: (image: string) => Promise<Uint8Array>;
  /** Whether an error says that nothing works any more, not that a row is bad. */
  isFatal?: (error: unknown) => boolean;
}

export interface Verdict {
  judged: JudgedRow;
  problem: RowProblem | null;
  isRespelt: boolean;
}

/** These say that the classifier is gone, not that a row is bad. */
const fatalCodes: readonly ErrorCode[] = ['CROSSCHECK_INFERENCE_WORKER_CRASHED', 'CROSSCHECK_INFERENCE_CLOSED'];

/** Judges one row, or says why it cannot be judged. */
export async function judgeRow(classifier: Classifier, row: FileRow, options: JudgeOptions): Promise<Verdict> {
  const { plan, band } = options;
  const { line, bytes } = row;
  const cell = (position: number) => (isMissing(row.cells[position] ?? '') ? '' : (row.cells[position] as string));
  const [text, image] = [cell(plan.textIndex), cell(plan.imageIndex).trim()];
  const judged: JudgedRow = { text, image, line, bytes, prediction: null };
  const failed = ({ code, message }: Fault): Verdict => ({
    judged,
    problem: { line, code, message },
    isRespelt: false,
  });
  const fault = faultOf(row, image, classifier, options);
  if (fault !== null) return failed(fault);
  try {
    const found = image === '' ? null : await findImage(image, options);
    if (found && 'code' in found) return failed(found);
    const [prediction] = await classifier.classify([{ text, image: found && sourceOf(found) }]);
    const answer = prediction ? withBand(prediction, band) : null;
    return { judged: { ...judged, prediction: answer }, problem: null, isRespelt: found?.isRespelt ?? false };
  } catch (error) {
    const isGone = fatalCodes.some((code) => isCrosscheckError(error, code));
    if (isGone || options.isFatal?.(error)) throw error;
    return failed({ code: isCrosscheckError(error) ? error.code : 'other', message: messageOf(error) });
  }
}

type Fault = Pick<RowProblem, 'code' | 'message'>;

/** What is wrong with a row before its image is looked for. */
function faultOf(
  row: FileRow,
  image: string,
  { artifact }: Classifier,
  { plan, imageColumn }: JudgeOptions,
): Fault | null {
  const shape = describeShape(row, plan.inputColumns);
  if (shape !== null) return { code: 'CROSSCHECK_DATA_BAD_ROW', message: shape };
  if (image !== '' || artifact.modalities.image !== 'required') return null;
  return { code: 'CROSSCHECK_DATA_MISSING_IMAGE', message: `no picture: column "${imageColumn}" is empty` };
}

const sourceOf = (found: Exclude<Image, LostImage>) => ('bytes' in found ? found.bytes : found.file);

type Image = FoundImage | { bytes: Uint8Array; isRespelt: false } | LostImage;

async function findImage(image: string, { readImage, locate }: JudgeOptions): Promise<Image> {
  return readImage ? { bytes: await readImage(image), isRespelt: false } : locate(image);
}
