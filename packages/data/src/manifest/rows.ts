import path from 'node:path';
import type { ErrorCode, LabelId } from '@crosscheck/contract';
import type { SampleProblem } from '../problems.ts';
import type { ColumnPositions } from './columns.ts';
import type { CsvRecord } from './read-records.ts';

/** One post of a manifest. */
export interface Sample {
  /** As written; `''` when the cell is blank or says what pandas writes for a missing value. */
  text: string;
  /** Absolute; `''` for a post without a picture, where such posts are asked for. */
  imagePath: string;
  label: LabelId | null;
  /** The manifest, as it was named by the caller. */
  file: string;
  /** 1-based physical line on which the row begins. */
  line: number;
  /** Every cell by its column's name, as written. */
  row: Record<string, string>;
}

export interface RowContext {
  file: string;
  columns: string[];
  positions: ColumnPositions;
  imagesDir: string;
  labelRequired: boolean;
  partialPosts: boolean;
}

// What pandas.read_csv takes for a missing value.
const MISSING = new Set(
  ['', '#N/A', '#N/A N/A', '#NA', '-1.#IND', '-1.#QNAN', '-NaN', '-nan', '1.#IND', '1.#QNAN', '<NA>'].concat([
    'N/A',
    'NA',
    'NULL',
    'NaN',
    'None',
    'n/a',
    'nan',
    'null',
  ]),
);

/** Whether a cell says what pandas writes for a missing value. */
export function isMissing(cell: string): boolean {
  return MISSING.has(cell.trim());
}

const LABELS: Record<string, LabelId> = { '0': 0, '1': 1, '0.0': 0, '1.0': 1 };

/** Words are not guessed at: what a data set calls true may be its FAKE. */
function adviceFor(label: string): string {
  return /[a-z]/i.test(label) && !isMissing(label)
    ? '; pnpm data:folder writes a CSV with 0 and 1 from words such as real, fake, true, false, and takes positive_class=real'
    : '';
}

/** One record as a sample, or what is wrong with it. Whether the picture exists is not looked at here. */
export function parseRow(record: CsvRecord, context: RowContext): Sample | SampleProblem {
  const { file, columns, positions } = context;
  const problem = (code: ErrorCode, message: string, row?: Record<string, string>): SampleProblem => ({
    file,
    line: record.line,
    code,
    message: `${file}:${record.line}: ${message}`,
    ...(row && { row }),
  });
  if (record.fields.length !== columns.length) {
    const message = `expected ${columns.length} cells as in the header, got ${record.fields.length} (a comma in unquoted text?)`;
    return problem('CROSSCHECK_DATA_BAD_ROW', message);
  }
  const row = Object.fromEntries(columns.map((name, i) => [name, record.fields[i] as string]));
  const cell = (position: number) => (record.fields[position] ?? '').trim();
  const label = LABELS[cell(positions.label)] ?? null;
  if (label === null && context.labelRequired) {
    const message = `label must be 0 (REAL) or 1 (FAKE), got "${cell(positions.label)}"${adviceFor(cell(positions.label))}`;
    return problem('CROSSCHECK_DATA_BAD_LABEL', message, row);
  }
  const image = cell(positions.image);
  const text = record.fields[positions.text] as string;
  const [hasImage, hasText] = [!MISSING.has(image), !MISSING.has(text.trim())];
  if (!hasImage && !context.partialPosts) {
    const message =
      'the image cell is blank (posts without a picture are for networks with model.missing_modality=learned)';
    return problem('CROSSCHECK_DATA_MISSING_IMAGE', message, row);
  }
  if (!hasImage && !hasText) {
    return problem('CROSSCHECK_DATA_EMPTY_POST', 'a post needs a picture or words, both cells are blank', row);
  }
  return {
    text: hasText ? text : '',
    imagePath: hasImage ? path.resolve(context.imagesDir, image) : '',
    label,
    file,
    line: record.line,
    row,
  };
}
