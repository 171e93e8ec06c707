import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { uniqueColumns } from '../manifest/columns.ts';
import { readRecords } from '../manifest/read-records.ts';
import { nearest } from '../nearest.ts';
import { parseLabel } from './labels.ts';
import type { SourcePost } from './write-source.ts';

export interface FolderOptions {
  imagesDir: string;
  textColumn: string;
  /** Its cells name a file in the folder or below it, with or without ending. */
  imageColumn: string;
  labelColumn: string;
  /** What 1 and true mean in the label column. */
  positiveClass: 'fake' | 'real';
}

/**
 * Any CSV or TSV over a folder of pictures; other columns are kept.
 *
 * @throws CROSSCHECK_DATA_NOT_FOUND, CROSSCHECK_DATA_MISSING_COLUMN, CROSSCHECK_DATA_BROKEN_CSV, CROSSCHECK_DATA_ENCODING
 */
export async function readFolder(file: string, options: FolderOptions): Promise<SourcePost[]> {
  const pictures = await indexPictures(options.imagesDir);
  const posts: SourcePost[] = [];
  let columns: string[] | undefined;
  for await (const { fields, line } of readRecords(file)) {
    if (columns === undefined) {
      columns = uniqueColumns(fields);
      checkColumns(columns, options, file);
      continue;
    }
    const cells = Object.fromEntries(columns.map((name, i) => [name, fields[i] ?? '']));
    const {
      [options.textColumn]: text = '',
      [options.imageColumn]: image = '',
      [options.labelColumn]: label,
      ...others
    } = cells;
    const picture =
      pictures.get(image.trim()) ?? pictures.get(path.basename(image.trim())) ?? path.join(options.imagesDir, image);
    const id = others.id ?? `${path.basename(file)}:${line}`;
    posts.push({ id, line, text, label: parseLabel(label, options.positiveClass), picture, columns: others });
  }
  return posts;
}

/** Every file below the folder by its relative path, its name, and its name without ending. */
async function indexPictures(dir: string): Promise<Map<string, string>> {
  const names = await readdir(dir, { recursive: true }).catch((cause: unknown) => {
    const message = `expected a folder of pictures at ${path.resolve(dir)}, got nothing; set images_dir=<folder>`;
    throw new CrosscheckError('CROSSCHECK_DATA_NOT_FOUND', message, { cause });
  });
  const index = new Map<string, string>();
  for (const name of names.sort()) {
    const stem = path.basename(name, path.extname(name));
    for (const key of [name, path.basename(name), stem]) if (!index.has(key)) index.set(key, path.join(dir, name));
  }
  return index;
}

function checkColumns(columns: readonly string[], options: FolderOptions, file: string): void {
  for (const key of ['textColumn', 'imageColumn', 'labelColumn'] as const) {
    if (columns.includes(options[key])) continue;
    const near = nearest(options[key], columns);
    throw new CrosscheckError(
      'CROSSCHECK_DATA_MISSING_COLUMN',
      `expected column "${options[key]}" in ${file}, got ${columns.join(', ')}${near === undefined ? '' : `; nearest: "${near}"`}; set text_column, image_column or label_column`,
    );
  }
}
