import type { ErrorCode, LabelId } from '@crosscheck/contract';
import { type ColumnPositions, describeShape, type FileRow, isMissing, type LabelReader } from '@crosscheck/posts';
import type { SampleProblem } from '../problems.ts';

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
  labelOf: LabelReader;
  labelRequired: boolean;
  partialPosts: boolean;
}

/** One record as a sample whose `imagePath` is still what its cell says, or what is wrong with it. Whether the image exists is not looked at here. */
export function parseRow(record: FileRow, context: RowContext): Sample | SampleProblem {
  const { file, columns, positions } = context;
  const problem = (code: ErrorCode, message: string, row?: Record<string, string>): SampleProblem => ({
    file,
    line: record.line,
    code,
    message: `${file}:${record.line}: ${message}`,
    ...(row && { row }),
  });
  const misshapen = describeShape(record, columns.length);
  if (misshapen !== null) return problem('CROSSCHECK_DATA_BAD_ROW', misshapen);
  const row = rowOf(record, columns);
  const cell = (position: number) => (record.cells[position] ?? '').trim();
  const label = context.labelOf(cell(positions.label));
  if (label === null && context.labelRequired) {
    const message = `label must be 0 (REAL) or 1 (FAKE), got "${cell(positions.label)}"`;
    return problem('CROSSCHECK_DATA_BAD_LABEL', message, row);
  }
  const image = cell(positions.image);
  const text = record.cells[positions.text] as string;
  const [hasImage, hasText] = [!isMissing(image), !isMissing(text)];
  if (!hasImage && !context.partialPosts) {
    const message =
      'the image cell is blank (posts without a picture are for networks with model.missing_modality=learned)';
    return problem('CROSSCHECK_DATA_MISSING_IMAGE', message, row);
  }
  if (!hasImage && !hasText) {
    return problem('CROSSCHECK_DATA_EMPTY_POST', 'a post needs a picture or words, both cells are blank', row);
  }
  return { text: hasText ? text : '', imagePath: hasImage ? image : '', label, file, line: record.line, row };
}

function rowOf({ cells, values }: FileRow, columns: readonly string[]): Record<string, string> {
  const row = Object.fromEntries(columns.map((name, i) => [name, cells[i] as string]));
  // Keys that only some lines of a JSON Lines file have are kept, too.
  const others = Object.entries(values ?? {}).filter(([name]) => !(name in row));
  const text = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
  return { ...row, ...Object.fromEntries(others.map(([name, value]) => [name, text(value)])) };
}
