import { CrosscheckError } from '@crosscheck/contract';
import { digestFile } from '@crosscheck/files';
import type { Failure } from '@crosscheck/inference/batch';
import { type FileRow, type ReadingOptions, readRows } from '@crosscheck/posts';
import type { ScoreConfig } from './schema.ts';

/** Says that a shard is judged, and what its part holds. */
export interface Receipt {
  shard: string;
  rows: number;
  fake: number;
  real: number;
  failed: number;
  /** Why, as far as the worker that wrote this has judged them; receipts of earlier versions do not say. */
  failures?: Failure[];
  shardSha256: string;
  partSha256: string;
  partBytes: number;
}

export interface Judged {
  shard: string;
  shardFile: string;
  partFile: string;
  data: ScoreConfig['data'];
}

/**
 * Goes through a shard and its part side by side: the same posts in the same order, each once, each with a verdict.
 *
 * @throws CROSSCHECK_SCORE_PART_BROKEN
 */
export async function inspectPart(judged: Judged): Promise<Receipt> {
  const { encoding, delimiter, columns } = openingOf(judged.data);
  const posts = openRows(judged.shardFile, { encoding, delimiter, columns: Object.values(columns) });
  const verdicts = openRows(judged.partFile, { delimiter: ',' });
  const counts = { rows: 0, fake: 0, real: 0, failed: 0 };
  for (;;) {
    const [post, verdict] = [await posts.next(), await verdicts.next()];
    if (post === null && verdict === null) break;
    if (post === null || verdict === null || !isSamePost(post, verdict, judged)) throw broken(judged, counts.rows);
    counts.rows++;
    counts[kindOf(Number(verdict.read('label')))]++;
  }
  const [shard, part] = [await digestFile(judged.shardFile), await digestFile(judged.partFile)];
  return { shard: judged.shard, ...counts, shardSha256: shard.sha256, partSha256: part.sha256, partBytes: part.bytes };
}

/** How the posts of a job are read. */
export function openingOf({ encoding, delimiter, ...data }: ScoreConfig['data']) {
  const columns = { text: data.text_column, image: data.image_column, label: data.label_column };
  return { encoding, delimiter, columns, keys: 'data.', labelRequired: false };
}

interface Row {
  read(column: string): string;
}

/** Rows by column names; the header is taken off. */
function openRows(file: string, options: ReadingOptions): { next(): Promise<Row | null> } {
  const rows = readRows(file, options);
  let header: readonly string[] | null = null;
  const read = ({ cells, values }: FileRow, column: string) =>
    values ? JSON.stringify(values[column] ?? '') : (cells[(header ?? []).indexOf(column)] ?? '');
  return {
    async next() {
      header ??= (await rows.next()).value?.cells ?? [];
      const { value } = await rows.next();
      return value ? { read: (column) => read(value, column) } : null;
    },
  };
}

function isSamePost(post: Row, verdict: Row, { data }: Judged): boolean {
  return [data.text_column, data.image_column].every((column) => post.read(column) === verdict.read(column));
}

function kindOf(label: number): 'fake' | 'real' | 'failed' {
  return label === 1 ? 'fake' : label === 0 ? 'real' : 'failed';
}

function broken({ shard }: Judged, row: number): CrosscheckError {
  const message = `expected post ${row + 1} of the shard ${shard} in its part as well, found another one or none; remove parts/${shard} from score.output and run it again`;
  return new CrosscheckError('CROSSCHECK_SCORE_PART_BROKEN', message);
}
