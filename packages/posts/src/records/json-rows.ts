import { CrosscheckError } from '@crosscheck/contract';
import type { DecodedPiece } from '../text/decode-file.ts';
import { type FileRow, maxRecordCharacters } from './file-row.ts';

/** Whether a file of this name holds one JSON object per line. */
export function isJsonLines(file: string): boolean {
  return /\.(jsonl|ndjson)$/i.test(file);
}

/**
 * Streams the objects of a JSON Lines file as rows, the keys of the first one as header. A line that is no object becomes a row with a problem.
 *
 * @throws CROSSCHECK_DATA_BROKEN_JSON when the first line is no object, or a line has no end
 */
export async function* jsonRows(file: string, pieces: AsyncIterable<DecodedPiece>): AsyncGenerator<FileRow> {
  let header: string[] | null = null;
  for await (const { text, line, bytes } of linesOf(file, pieces)) {
    if (text.trim() === '') continue;
    const values = parseObject(text);
    if (header === null) {
      if (values === null) throw broken(file, line);
      header = Object.keys(values);
      yield { cells: header, line, bytes: 0 };
    }
    if (values !== null) yield { cells: header.map((key) => toCell(values[key])), values, line, bytes };
    else yield { cells: [], values: {}, raw: text, line, bytes, problem: 'expected a JSON object on this line' };
  }
}

interface Line {
  text: string;
  line: number;
  bytes: number;
}

async function* linesOf(file: string, pieces: AsyncIterable<DecodedPiece>): AsyncGenerator<Line> {
  let [rest, line, bytes] = ['', 1, 0];
  for await (const piece of pieces) {
    ({ bytes } = piece);
    const lines = (rest + piece.text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() as string;
    if (rest.length > maxRecordCharacters) throw tooLong(file, line + lines.length);
    for (const text of lines) yield { text, line: line++, bytes };
  }
  yield { text: rest, line, bytes };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function toCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function broken(file: string, line: number): CrosscheckError {
  const message = `expected one JSON object per line, got something else (${file}:${line}); name the file .csv if it is one`;
  return new CrosscheckError('CROSSCHECK_DATA_BROKEN_JSON', message);
}

function tooLong(file: string, line: number): CrosscheckError {
  const message = `expected one JSON object per line, got a line of more than ${maxRecordCharacters} characters (${file}:${line})`;
  return new CrosscheckError('CROSSCHECK_DATA_BROKEN_JSON', message);
}
