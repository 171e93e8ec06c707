import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import { type CsvError, parse } from 'csv-parse';

/** One CSV record and the physical line on which it begins. */
export interface CsvRecord {
  fields: string[];
  /** 1-based. */
  line: number;
}

// A quote that is never closed would otherwise swallow the rest of the file, however large.
const MAX_RECORD_CHARACTERS = 1 << 20;

/** Streams the records of a CSV file (`.tsv`: tab-separated), blank lines left out, in constant memory. */
export async function* readRecords(file: string): AsyncGenerator<CsvRecord> {
  const parser = parse({
    raw: true,
    delimiter: file.toLowerCase().endsWith('.tsv') ? '\t' : ',',
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_quotes: true,
    relax_column_count: true,
    max_record_size: MAX_RECORD_CHARACTERS,
  });
  // Errors of any stage destroy the parser, and so reach the loop below.
  pipeline(Readable.from(decodeUtf8(file)), parser, () => {});
  let line = 1;
  try {
    for await (const { record, raw } of parser as AsyncIterable<{ record: string[]; raw: string }>) {
      if (record.length > 1 || record[0] !== '') yield { fields: record, line };
      line += countLineBreaks(raw.replace(/\r?\n$|\r$/, '')) + 1;
    }
  } catch (error) {
    throw isCsvError(error) ? brokenCsv(file, line, error) : error;
  }
}

/** Text of the file, chunk by chunk, without its byte order mark. */
async function* decodeUtf8(file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  const decode = (chunk: Buffer, isLast: boolean) => {
    try {
      return decoder.decode(chunk, { stream: !isLast });
    } catch (error) {
      throw notUtf8(file, line + linesBeforeBadByte(chunk), error);
    }
  };
  let isFirst = true;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    if (isFirst) refuseUtf16(chunk, file);
    isFirst = false;
    yield decode(chunk, false);
    line += chunk.toString('latin1').split('\n').length - 1;
  }
  yield decode(Buffer.alloc(0), true);
}

function refuseUtf16(start: Buffer, file: string): void {
  const mark = start.subarray(0, 2).toString('hex');
  if (mark === 'fffe' || mark === 'feff') throw notUtf8(file, 1, new TypeError('UTF-16 byte order mark'));
}

function notUtf8(file: string, line: number, cause: unknown): CrosscheckError {
  const message = `expected UTF-8 text, got other bytes (${file}:${line}: ${messageOf(cause)}); save the file as UTF-8`;
  return new CrosscheckError('CROSSCHECK_DATA_ENCODING', message, { cause });
}

/** Line breaks before the first line of the chunk that is not UTF-8; characters cut by the chunk's ends do not count as broken. */
function linesBeforeBadByte(chunk: Buffer): number {
  const isContinuation = (byte: number | undefined) => byte !== undefined && byte >> 6 === 2;
  let start = 0;
  while (start < 3 && isContinuation(chunk[start])) start++;
  for (let lines = 0; ; lines++) {
    const end = chunk.indexOf(0x0a, start);
    if (end < 0 || !isUtf8(chunk.subarray(start, end))) return lines;
    start = end + 1;
  }
}

function countLineBreaks(text: string): number {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0;
}

function isCsvError(error: unknown): error is CsvError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_');
}

const CSV_REASONS: Record<string, string> = {
  CSV_QUOTE_NOT_CLOSED: 'it opens a quote that is never closed',
  CSV_MAX_RECORD_SIZE: `it is longer than ${MAX_RECORD_CHARACTERS} characters, probably because a quote is never closed`,
};

function brokenCsv(file: string, line: number, cause: CsvError): CrosscheckError {
  const reason = CSV_REASONS[cause.code] ?? cause.message;
  const message = `the record that begins at ${file}:${line} cannot be read: ${reason}; double the quotes inside quoted text ("")`;
  return new CrosscheckError('CROSSCHECK_DATA_BROKEN_CSV', message, { cause });
}
