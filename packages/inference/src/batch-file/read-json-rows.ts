import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { CrosscheckError } from '@crosscheck/contract';
import type { FileRow } from './read-rows.ts';

/** Whether a file of this name holds one JSON object per line. */
export function isJsonLines(file: string): boolean {
  return /\.(jsonl|ndjson)$/i.test(file);
}

/**
 * Streams the objects of a JSON Lines file as rows, the keys of the first one as header. A line that is no object becomes a row with a problem.
 *
 * @throws CROSSCHECK_INFER_INPUT_BROKEN when the first line is no object
 */
export async function* readJsonRows(file: string): AsyncGenerator<FileRow> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  let [line, bytes] = [0, 0];
  let header: string[] | null = null;
  try {
    for await (const text of lines) {
      line++;
      bytes += Buffer.byteLength(text) + 1;
      if (text.trim() === '') continue;
      const values = parseObject(line === 1 ? text.replace(/^\uFEFF/, '') : text);
      if (header === null) {
        if (values === null) throw broken(file, line);
        header = Object.keys(values);
        yield { cells: header, line, bytes: 0 };
      }
      yield values === null
        ? { cells: [], values: {}, line, bytes, problem: 'expected a JSON object on this line' }
        : { cells: header.map((key) => toCell(values[key])), values, line, bytes };
    }
  } finally {
    lines.close();
  }
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
  const message = `expected one JSON object per line in ${file}, got something else on line ${line}; name the file .csv if it is one`;
  return new CrosscheckError('CROSSCHECK_INFER_INPUT_BROKEN', message);
}
