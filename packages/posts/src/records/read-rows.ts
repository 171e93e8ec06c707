import { stat } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { uniqueColumns } from '../columns.ts';
import { decodeFile } from '../text/decode-file.ts';
import { csvRows } from './csv-rows.ts';
import type { FileRow, ReadingOptions } from './file-row.ts';
import { isJsonLines, jsonRows } from './json-rows.ts';

/**
 * Streams the records of a file of posts in constant memory, its header first: names without blanks around them, repeated ones with `.1`, `.2`, as in pandas.
 *
 * - CSV with commas, semicolons, tabs or `|`, told by the header; quoted line breaks; line ends of any kind, also mixed
 * - `.jsonl`, `.ndjson`: one object per line
 * - UTF-8 with or without a byte order mark, UTF-16 with one; anything else by `encoding`
 *
 * @throws CROSSCHECK_DATA_NOT_FOUND, CROSSCHECK_DATA_ENCODING, CROSSCHECK_DATA_BROKEN_CSV, CROSSCHECK_DATA_BROKEN_JSON
 * @example for await (const { cells, line } of readRows('posts.csv', { columns: ['text_content', 'image_path', 'label'] })) …
 */
export async function* readRows(file: string, options: ReadingOptions = {}): AsyncGenerator<FileRow> {
  await requireFile(file);
  const pieces = decodeFile(file, options.encoding ?? 'auto', `${options.keys ?? ''}encoding`);
  const rows = (options.json ?? isJsonLines(file)) ? jsonRows(file, pieces) : csvRows(file, pieces, options);
  let isHeader = true;
  for await (const row of rows) {
    yield isHeader ? { ...row, cells: uniqueColumns(row.cells.map((name) => name.trim())) } : row;
    isHeader = false;
  }
}

/** A whole file's text, by the same rules. @throws CROSSCHECK_DATA_NOT_FOUND, CROSSCHECK_DATA_ENCODING */
export async function readText(file: string): Promise<string> {
  await requireFile(file);
  const pieces: string[] = [];
  for await (const { text } of decodeFile(file, 'auto', 'encoding')) pieces.push(text);
  return pieces.join('');
}

async function requireFile(file: string): Promise<void> {
  const found = await stat(file).catch(() => null);
  if (found?.isFile()) return;
  const what = found === null ? 'nothing' : found.isDirectory() ? 'a folder' : 'no regular file';
  const message = `expected a file of posts at ${path.resolve(file)}, got ${what}; make demo posts with \`pnpm data:demo\` if you have none`;
  throw new CrosscheckError('CROSSCHECK_DATA_NOT_FOUND', message);
}
