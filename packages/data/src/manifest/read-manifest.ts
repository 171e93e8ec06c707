import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CrosscheckError } from '@crosscheck/contract';
import { describeProblems, type OnBadSample, problemsError, type SampleProblem } from '../problems.ts';
import { findColumns, uniqueColumns } from './columns.ts';
import { fallbackDirs, findMissingImages } from './images.ts';
import { requireOurLabels } from './label-meaning.ts';
import { readRecords } from './read-records.ts';
import { parseRow, type RowContext, type Sample } from './rows.ts';

export interface ManifestOptions {
  /** CSV (or `.tsv`), relative to the working directory or absolute. */
  file: string;
  /** What relative image paths resolve against first; then the manifest's own folder, and `images/<its name>` in it. */
  imagesDir?: string;
  /** @default 'text_content' */
  textColumn?: string;
  /** @default 'image_path' */
  imageColumn?: string;
  /** @default 'label' */
  labelColumn?: string;
  /** Only the first so many rows, good or bad; -1 is all. */
  nRows?: number;
  /** Whether a row without a label is a problem; otherwise its label is `null`. @default true */
  labelRequired?: boolean;
  /** Whether a post may lack its picture or its words, never both; otherwise a row without a picture is a problem. @default false */
  partialPosts?: boolean;
  /** @default 'error' */
  onBadSample?: OnBadSample;
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
}

/**
 * Reads a CSV of posts as a stream: UTF-8 with or without a byte order mark, quoted line breaks, any line endings.
 * Every row becomes a sample or a problem that names its file and physical line.
 *
 * @throws CROSSCHECK_DATA_NOT_FOUND, CROSSCHECK_DATA_ENCODING, CROSSCHECK_DATA_BROKEN_CSV, CROSSCHECK_DATA_MISSING_COLUMN,
 * CROSSCHECK_DATA_LABEL_MEANING, CROSSCHECK_DATA_NO_SAMPLES, and with `onBadSample: 'error'` CROSSCHECK_DATA_BAD_LABEL, CROSSCHECK_DATA_BAD_ROW,
 * CROSSCHECK_DATA_MISSING_IMAGE, CROSSCHECK_DATA_EMPTY_POST, or CROSSCHECK_DATA_BAD_SAMPLES when they are mixed
 * @example const { samples } = await readManifest({ file: 'demo/train.csv', onBadSample: 'skip' });
 */
export async function readManifest(options: ManifestOptions): Promise<Manifest> {
  await requireFile(options.file);
  const { columns, rows } = await readRows(options);
  const imagesDir = path.resolve(options.imagesDir ?? path.dirname(options.file));
  const withPicture = rows.filter((row) => isSample(row) && row.imagePath !== '') as Sample[];
  const missing = await findMissingImages(withPicture, { imagesDir, fallbackDirs: fallbackDirs(options.file) });
  const checked = rows.map((row) => (isSample(row) ? (missing.get(row) ?? row) : row));
  const samples = checked.filter(isSample);
  const problems = checked.filter(isProblem);
  if (options.labelRequired ?? true) requireOurLabels(options.file, options.labelColumn ?? 'label', samples);
  if (problems.length > 0 && (options.onBadSample ?? 'error') === 'error') throw problemsError(problems);
  if (samples.length === 0 && (options.labelRequired ?? true)) throw noSamples(options.file, problems);
  return { samples, problems, columns, digest: await digestFile(options.file) };
}

type Row = Sample | SampleProblem;

function isSample(row: Row): row is Sample {
  return 'imagePath' in row;
}

function isProblem(row: Row): row is SampleProblem {
  return 'code' in row;
}

async function readRows(options: ManifestOptions): Promise<{ columns: string[]; rows: Row[] }> {
  const limit = (options.nRows ?? -1) < 0 ? Number.POSITIVE_INFINITY : (options.nRows as number);
  const rows: Row[] = [];
  let context: RowContext | undefined;
  for await (const record of readRecords(options.file)) {
    if (context === undefined) context = readHeader(options, record);
    else rows.push(parseRow(record, context));
    if (rows.length >= limit) break;
  }
  if (context === undefined) throw noSamples(options.file, []);
  return { columns: context.columns, rows };
}

function readHeader(options: ManifestOptions, header: { fields: string[]; line: number }): RowContext {
  const { file, textColumn = 'text_content', imageColumn = 'image_path', labelColumn = 'label' } = options;
  const columns = uniqueColumns(header.fields);
  const labelRequired = options.labelRequired ?? true;
  const names = { text: textColumn, image: imageColumn, label: labelColumn };
  return {
    file,
    columns,
    positions: findColumns(columns, names, { file, line: header.line, labelRequired }),
    imagesDir: path.resolve(options.imagesDir ?? path.dirname(file)),
    labelRequired,
    partialPosts: options.partialPosts ?? false,
  };
}

async function requireFile(file: string): Promise<void> {
  const found = await stat(file).catch(() => null);
  if (found?.isFile()) return;
  const what = found ? 'a folder' : 'nothing';
  const message = `expected a CSV file at ${path.resolve(file)}, got ${what}; set data.root_dir or data.{train,val,test}_file, or make demo posts with \`pnpm data:demo\``;
  throw new CrosscheckError('CROSSCHECK_DATA_NOT_FOUND', message);
}

function noSamples(file: string, problems: SampleProblem[]): CrosscheckError {
  const why = problems.length > 0 ? describeProblems(problems) : 'it has no rows below a header';
  return new CrosscheckError(
    'CROSSCHECK_DATA_NO_SAMPLES',
    `expected at least one usable row in ${file}, got none: ${why}`,
  );
}

async function digestFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
