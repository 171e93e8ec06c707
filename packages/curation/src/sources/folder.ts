import path from 'node:path';
import { problemsError, type SampleProblem } from '@crosscheck/data';
import { describeShape, type FileRow, type LabelRules, openPosts, type ReadingOptions } from '@crosscheck/posts';
import { createFolderSearch, type SearchedFolder } from './find-in-folder.ts';
import { collectLabels } from './labels.ts';
import { placeImages } from './place-images.ts';
import type { SourcePost } from './write-source.ts';

export interface FolderOptions
  extends Pick<SearchedFolder, 'allowOutsideRoot' | 'option' | 'endings' | 'folders'>,
    Pick<ReadingOptions, 'encoding' | 'delimiter'>,
    LabelRules {
  imagesDir: string;
  textColumn: string;
  /** Its cells name a file in the folder or below it, with or without ending. */
  imageColumn: string;
  labelColumn: string;
  /** What the command calls the option of the image column. */
  imageOption: string;
}

/**
 * Any CSV, TSV or JSON Lines file over a folder of images; other columns are kept. Nothing is guessed: a word that is no known label, a name that fits
 * two files, a row of another length than the header's are errors.
 *
 * @throws what `readRows` throws, CROSSCHECK_DATA_MISSING_COLUMN, CROSSCHECK_DATA_BAD_ROW, CROSSCHECK_DATA_BAD_LABEL, CROSSCHECK_DATA_AMBIGUOUS_IMAGE,
 * CROSSCHECK_DATA_IMAGE_OUTSIDE
 */
export async function readFolder(file: string, options: FolderOptions): Promise<SourcePost[]> {
  const search = await createFolderSearch({ ...options, dir: options.imagesDir, beside: path.dirname(file) });
  const labels = collectLabels(options);
  const posts: SourcePost[] = [];
  const { header, rows } = await readSoundRows(file, options);
  const names = [options.textColumn, options.imageColumn, options.labelColumn] as const;
  for (const { cells, line } of rows) {
    const row = Object.fromEntries(header.map((name, i) => [name, cells[i] as string]));
    const { [names[0]]: text = '', [names[1]]: picture = '', [names[2]]: label, ...others } = row;
    const id = others.id ?? `${path.basename(file)}:${line}`;
    posts.push({ id, line, text, label: labels.read(label), picture, columns: others });
  }
  labels.requireKnown(file);
  await placeImages(file, posts, search);
  return posts;
}

/** All rows, each as long as the header. */
async function readSoundRows(
  file: string,
  { textColumn, imageColumn, labelColumn, encoding, delimiter, imageOption }: FolderOptions,
): Promise<{ header: string[]; rows: FileRow[] }> {
  const columns = { text: textColumn, image: imageColumn, label: labelColumn };
  const reading = { columns, labelRequired: true, options: { image: imageOption }, delimiter: delimiter ?? null };
  const { header, rows: records } = await openPosts(file, { ...reading, ...(encoding && { encoding }) });
  const [rows, problems]: [FileRow[], SampleProblem[]] = [[], []];
  for await (const row of records) {
    const message = describeShape(row, header.length);
    if (message === null) rows.push(row);
    else
      problems.push({
        file,
        line: row.line,
        code: 'CROSSCHECK_DATA_BAD_ROW',
        message: `${file}:${row.line}: ${message}`,
      });
  }
  if (problems.length > 0) throw problemsError(problems, '', null);
  return { header, rows };
}
