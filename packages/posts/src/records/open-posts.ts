import { CrosscheckError } from '@crosscheck/contract';
import { type ColumnNames, type ColumnPositions, type ColumnRules, findColumns } from '../columns.ts';
import type { FileRow, ReadingOptions } from './file-row.ts';
import { readRows } from './read-rows.ts';

/** How a file of posts is opened. */
export interface OpenOptions extends Omit<ReadingOptions, 'columns'>, Pick<ColumnRules, 'labelRequired' | 'options'> {
  columns: ColumnNames;
  /** Whether there may be no row below the header. @default false */
  mayBeEmpty?: boolean;
}

export interface OpenPosts {
  header: string[];
  positions: ColumnPositions;
  rows: AsyncGenerator<FileRow>;
}

/**
 * Opens a file of posts: finds its columns, and its rows stream.
 *
 * @throws what `readRows` throws, CROSSCHECK_DATA_NO_SAMPLES, CROSSCHECK_DATA_MISSING_COLUMN
 */
export async function openPosts(file: string, given: OpenOptions): Promise<OpenPosts> {
  const { columns, labelRequired, options, mayBeEmpty = false, keys = '', ...reading } = given;
  const rows = readRows(file, { ...reading, keys, columns: [columns.text, columns.image, columns.label] });
  const header = await take(rows);
  if (header === undefined) throw noSamples(file, 'no header line');
  const rules = { file, line: header.line, labelRequired, keys, ...(options && { options }) };
  const positions = findColumns(header.cells, columns, rules);
  const first = await take(rows);
  if (first === undefined && !mayBeEmpty) throw noSamples(file, 'a header alone');
  return { header: header.cells, positions, rows: first === undefined ? rows : follow(first, rows) };
}

async function take(rows: AsyncGenerator<FileRow>): Promise<FileRow | undefined> {
  const { value, done } = await rows.next();
  return done ? undefined : value;
}

async function* follow(first: FileRow, rows: AsyncGenerator<FileRow>): AsyncGenerator<FileRow> {
  yield first;
  yield* rows;
}

function noSamples(file: string, found: string): CrosscheckError {
  const message = `expected a header line and at least one row below it in ${file}, got ${found}`;
  return new CrosscheckError('CROSSCHECK_DATA_NO_SAMPLES', message);
}
