import { CrosscheckError } from '@crosscheck/contract';
import { sha256OfFile } from '@crosscheck/files';
import {
  createLabelReader,
  createMeaningCheck,
  describeUnknownWords,
  isMissing,
  type LabelWords,
  type MeaningCheck,
  type OpenPosts,
  openPosts,
  type ReadingOptions,
  type WordCounts,
} from '@crosscheck/posts';
import { describeProblems, type OnBadSample, problemsError, type SampleProblem } from '../problems.ts';
import { countBehind, createHeadCounter, describeHead, type HeadOfFile } from './head.ts';
import { findImages } from './images.ts';
import { parseRow, type RowContext, type Sample } from './rows.ts';

export interface ManifestOptions extends Pick<ReadingOptions, 'encoding' | 'delimiter'> {
  /** CSV, TSV or JSON Lines, relative to the working directory or absolute. */
  file: string;
  /** What relative image paths resolve against first; then the manifest's own folder, and `images/<its name>` or `images` in it. */
  imagesDir?: string;
  /** @default 'text_content' */
  textColumn?: string;
  /** @default 'image_path' */
  imageColumn?: string;
  /** @default 'label' */
  labelColumn?: string;
  /** What the words of the label column mean; without it, 0, 1, REAL and FAKE are known. */
  labels?: LabelWords | null;
  /** Only the first so many rows, good or bad; -1 is all. */
  nRows?: number;
  /** Whether a row without a label is a problem; otherwise its label is `null`. @default true */
  labelRequired?: boolean;
  /** Whether a post may lack its picture or its words, never both; otherwise a row without a picture is a problem. @default false */
  partialPosts?: boolean;
  /** Whether images may lie outside of the folders that are searched. @default false */
  allowOutsideRoot?: boolean;
  /** @default 'error' */
  onBadSample?: OnBadSample;
  /** What stands before the names of these options on the command line. @default 'data.' */
  keys?: string;
}

export interface Manifest {
  /** The rows that can be used, in the file's order. */
  samples: Sample[];
  /** The rows that were left out, in the file's order; empty unless `onBadSample` is `skip`. */
  problems: SampleProblem[];
  /** Column names in the file's order; repeated names carry `.1`, `.2`, as in pandas. */
  columns: string[];
  /** sha256 of the file, hex. */
  digest: string;
  /** What should be said of it: that only some rows were read, and what was found otherwise than written. */
  notes: string[];
}

/**
 * Reads a file of posts as a stream; see `readRows` for what it may look like.
 * Every row becomes a sample or a problem that names its file and physical line.
 *
 * @throws what `readRows` throws, CROSSCHECK_DATA_MISSING_COLUMN,
 * CROSSCHECK_DATA_LABEL_MEANING, CROSSCHECK_DATA_NO_SAMPLES, and with `onBadSample: 'error'` CROSSCHECK_DATA_BAD_LABEL,
 * CROSSCHECK_DATA_BAD_ROW, CROSSCHECK_DATA_MISSING_IMAGE, CROSSCHECK_DATA_IMAGE_OUTSIDE, CROSSCHECK_DATA_AMBIGUOUS_IMAGE,
 * CROSSCHECK_DATA_EMPTY_POST, or CROSSCHECK_DATA_BAD_SAMPLES when they are mixed
 * @example const { samples } = await readManifest({ file: 'demo/train.csv', onBadSample: 'skip' });
 */
export async function readManifest(options: ManifestOptions): Promise<Manifest> {
  const { file, keys = 'data.', labelColumn = 'label', labelRequired = true } = options;
  const { columns, rows, head } = await readAll(options);
  const withPicture = rows.filter((row) => isSample(row) && row.imagePath !== '') as Sample[];
  const { missing, notes } = await findImages(withPicture, {
    manifest: file,
    imagesDir: options.imagesDir ?? null,
    allowOutsideRoot: options.allowOutsideRoot ?? false,
    keys,
  });
  const checked = rows.map((row) => (isSample(row) ? (missing.get(row) ?? row) : row));
  const samples = checked.filter(isSample);
  const problems = checked.filter(isProblem);
  const unknown = countUnknownWords(problems, labelColumn);
  const advice = unknown.size === 0 ? '' : `labels that are not known: ${describeUnknownWords(unknown, keys)}`;
  if (problems.length > 0 && (options.onBadSample ?? 'error') === 'error') throw problemsError(problems, advice);
  if (samples.length === 0 && labelRequired) throw noSamples(file, problems, advice);
  const told = head ? describeHead(head, `${keys}n_rows`) : [];
  return { samples, problems, columns, digest: await sha256OfFile(file), notes: [...told, ...notes] };
}

/** Looks at the header alone, so that a wrong name is told before anything heavy is loaded. @returns the columns @throws as `readManifest` */
export async function readManifestColumns(options: ManifestOptions): Promise<string[]> {
  const { encoding = 'auto', delimiter = null, keys = 'data.', labelRequired = true } = options;
  const reading = { encoding, delimiter, keys, columns: namesOf(options), labelRequired, mayBeEmpty: !labelRequired };
  const { header, rows } = await openPosts(options.file, reading);
  await rows.return(undefined);
  return header;
}

type Row = Sample | SampleProblem;

function isSample(row: Row): row is Sample {
  return 'imagePath' in row;
}

function isProblem(row: Row): row is SampleProblem {
  return 'code' in row;
}

interface ReadRows {
  columns: string[];
  rows: Row[];
  head: HeadOfFile | null;
  meaning: MeaningCheck | null;
}

/** @throws CROSSCHECK_DATA_LABEL_MEANING */
async function readAll(options: ManifestOptions): Promise<Omit<ReadRows, 'meaning'>> {
  const { meaning, ...read } = await readHead(options);
  const turned = meaning?.fault() ?? null;
  if (turned !== null) throw turned;
  return read;
}

async function readHead(options: ManifestOptions): Promise<ReadRows> {
  const limit = (options.nRows ?? -1) < 0 ? Number.POSITIVE_INFINITY : (options.nRows as number);
  const { encoding = 'auto', delimiter = null, keys = 'data.', labelRequired = true } = options;
  const columns = namesOf(options);
  const reading = { encoding, delimiter, keys, columns, labelRequired, mayBeEmpty: !labelRequired };
  const { rows: records, ...found } = await openPosts(options.file, reading);
  const context = rowContext(options, found);
  const { header } = found;
  const meaning = options.labels
    ? null
    : createMeaningCheck({ file: options.file, header, labelColumn: columns.label, keys });
  const counter = createHeadCounter(context.positions.label, context.labelOf);
  const rows: Row[] = [];
  while (rows.length < limit) {
    const { value, done } = await records.next();
    if (done) return { columns: header, rows, head: null, meaning };
    counter.add(value);
    const row = parseRow(value, context);
    if (isSample(row)) meaning?.add(value.cells, row.label);
    rows.push(row);
  }
  return { columns: header, rows, head: await countBehind(records, counter), meaning };
}

function namesOf({ textColumn = 'text_content', imageColumn = 'image_path', labelColumn = 'label' }: ManifestOptions) {
  return { text: textColumn, image: imageColumn, label: labelColumn };
}

function rowContext(options: ManifestOptions, { header, positions }: Omit<OpenPosts, 'rows'>): RowContext {
  const { file, labels = null, labelRequired = true, partialPosts = false } = options;
  return {
    file,
    columns: header,
    positions,
    labelOf: createLabelReader({ labels }),
    labelRequired,
    partialPosts,
  };
}

/** The words that stand where labels were expected, with their counts. */
export function countUnknownWords(problems: readonly SampleProblem[], labelColumn: string): WordCounts {
  const counts = new Map<string, number>();
  for (const { code, row } of problems) {
    const word = row?.[labelColumn]?.trim() ?? '';
    if (code === 'CROSSCHECK_DATA_BAD_LABEL' && !isMissing(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

function noSamples(file: string, problems: SampleProblem[], advice: string): CrosscheckError {
  // To leave them out, too, would leave nothing.
  const why = problems.length > 0 ? describeProblems(problems, advice, null) : 'it has no rows below a header';
  return new CrosscheckError(
    'CROSSCHECK_DATA_NO_SAMPLES',
    `expected at least one usable row in ${file}, got none: ${why}`,
  );
}
