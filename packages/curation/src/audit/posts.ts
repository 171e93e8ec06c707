import { access } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError, type LabelId } from '@crosscheck/contract';
import { readManifest, type Sample, type SampleProblem } from '@crosscheck/data';
import { type InspectedPost } from '../inspect/inspect-posts.ts';
import { type Reading } from '../reading-options.ts';

/** A post with a label and an inspected picture. */
export interface AuditedPost extends InspectedPost {
  label: LabelId;
}

export interface AuditSource {
  /** Holds `train.csv`, `val.csv`, `test.csv`, as far as they exist. */
  rootDir: string;
  /** CSV file per split, instead of those in `rootDir`. */
  files: Record<string, string>;
  /** What relative picture paths resolve against; null = the folder of each CSV, or `images/<split>` in it. */
  imagesDir: string | null;
  textColumn: string;
  imageColumn: string;
  labelColumn: string;
  /** Encoding, delimiter, words of labels, images outside. */
  reading?: Reading;
}

export interface AuditedFile {
  split: string;
  file: string;
  /** sha256 of the file, hex. */
  digest: string;
  rows: number;
  usable: number;
}

export interface AuditInput {
  files: AuditedFile[];
  samples: Record<string, Sample[]>;
  problems: (SampleProblem & { split: string })[];
  /** What should be said of the files before anything else. */
  notes: string[];
  /** Columns besides text, picture and label, in the files' order. */
  columns: string[];
}

const splits = ['train', 'val', 'test'];

/**
 * Reads every split's manifest; rows that cannot be used are kept as problems.
 *
 * @throws CROSSCHECK_DATA_NOT_FOUND, CROSSCHECK_DATA_MISSING_COLUMN, CROSSCHECK_DATA_BROKEN_CSV, CROSSCHECK_DATA_ENCODING
 */
export async function readSplits(source: AuditSource): Promise<AuditInput> {
  const input: AuditInput = { files: [], samples: {}, problems: [], columns: [], notes: [] };
  for (const [split, file] of await findFiles(source)) {
    const { textColumn, imageColumn, labelColumn, imagesDir, reading = { keys: '' } } = source;
    const { samples, problems, columns, digest, notes } = await readManifest({
      file,
      textColumn,
      imageColumn,
      labelColumn,
      onBadSample: 'skip',
      ...reading,
      ...(imagesDir !== null && { imagesDir }),
    });
    input.files.push({ split, file, digest, rows: samples.length + problems.length, usable: samples.length });
    input.samples[split] = samples;
    input.notes.push(...notes.map((note) => `${split}: ${note}`));
    input.problems.push(...problems.map((problem) => ({ ...problem, split })));
    const others = columns.filter((name) => ![textColumn, imageColumn, labelColumn].includes(name));
    input.columns = [...new Set([...input.columns, ...others])];
  }
  return input;
}

async function findFiles({ rootDir, files }: AuditSource): Promise<[string, string][]> {
  if (Object.keys(files).length > 0) return Object.entries(files);
  const candidates = splits.map((split): [string, string] => [split, path.join(rootDir, `${split}.csv`)]);
  const exist = await Promise.all(
    candidates.map(([, file]) =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  const found = candidates.filter((_, i) => exist[i]);
  if (found.length > 0) return found;
  throw new CrosscheckError(
    'CROSSCHECK_DATA_NOT_FOUND',
    `expected train.csv, val.csv or test.csv in ${path.resolve(rootDir)}, got none of them; set root_dir=<folder>, or train_file=<CSV>`,
  );
}
