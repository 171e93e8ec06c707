import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { writeWholeBy } from '@crosscheck/files';
import { stringify } from 'csv-stringify';

export type ManifestRow = Record<string, string | number | boolean | null>;

/**
 * Writes a CSV of posts under a temporary name and puts it in place when it is whole. Columns are those of all rows, in the order
 * in which they first occur, the given ones first.
 */
export async function writeManifestFile(
  file: string,
  rows: readonly ManifestRow[],
  first: readonly string[] = ['text_content', 'image_path', 'label'],
): Promise<void> {
  const columns = [...new Set([...first, ...rows.flatMap((row) => Object.keys(row))])];
  const csv = stringify({ header: true, columns, cast: { boolean: String } });
  await writeWholeBy(file, (temporary) => pipeline(Readable.from(rows), csv, createWriteStream(temporary)));
}

/** A path as manifests hold it: relative to their folder, with forward slashes. */
export function relativeImage(dir: string, file: string): string {
  return path.relative(dir, file).replaceAll(path.sep, '/');
}
