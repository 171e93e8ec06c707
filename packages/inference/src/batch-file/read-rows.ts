import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import { parse } from 'csv-parse';
import { isJsonLines, readJsonRows } from './read-json-rows.ts';

/** One record of a CSV or JSON Lines file, with the place where it ends. */
export interface FileRow {
  cells: string[];
  /** The object of a JSON line. */
  values?: Record<string, unknown>;
  /** Why the record cannot be used. */
  problem?: string;
  /** Line of the file on which the record ends, from 1. */
  line: number;
  /** Bytes of the file read so far. */
  bytes: number;
}

/** A record longer than this is a missing quote, not a post. */
const maxRecordBytes = 16 * 1024 * 1024;

/**
 * Streams the records of a file, its header first. CSV: UTF-8 with or without a byte order mark, quoted commas and newlines, any line ends.
 * `.jsonl` and `.ndjson`: one object per line.
 *
 * @throws CROSSCHECK_INFER_INPUT_NOT_FOUND, CROSSCHECK_INFER_CSV_BROKEN, CROSSCHECK_INFER_INPUT_BROKEN
 */
export async function* readRows(
  file: string,
  { json = isJsonLines(file) }: { json?: boolean } = {},
): AsyncGenerator<FileRow> {
  await requireReadable(file);
  if (json) yield* readJsonRows(file);
  else yield* readCsvRows(file);
}

async function* readCsvRows(file: string): AsyncGenerator<FileRow> {
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: maxRecordBytes,
  });
  const input = createReadStream(file);
  input.on('error', (error) => parser.destroy(error)).pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number; bytes: number };
    }>) {
      yield { cells: record, line: info.lines, bytes: info.bytes };
    }
  } catch (cause) {
    const message = `cannot read ${file} as CSV: ${messageOf(cause)}; check for a quote that is not closed`;
    throw new CrosscheckError('CROSSCHECK_INFER_CSV_BROKEN', message, { cause });
  } finally {
    input.destroy();
  }
}

async function requireReadable(file: string): Promise<void> {
  const found = await stat(file).catch(() => null);
  if (found?.isFile()) return;
  const message = `expected a file of posts at ${file}, found ${found ? 'something else' : 'nothing'}; set inference.batch.csv_file`;
  throw new CrosscheckError('CROSSCHECK_INFER_INPUT_NOT_FOUND', message);
}
