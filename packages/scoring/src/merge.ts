import { createHash } from 'node:crypto';
import { CrosscheckError } from '@crosscheck/contract';
import { type ObjectStore, readAll } from '@crosscheck/storage';
import { partKey, predictionsKey, receiptKey, summaryKey } from './layout.ts';
import type { Receipt } from './receipt.ts';

/** What a whole job came to; `predictions.json`. */
export interface Summary {
  shards: number;
  rows: number;
  fake: number;
  real: number;
  failed: number;
  file: string;
  bytes: number;
  sha256: string;
}

/** Whether every shard has its receipt. */
export async function isComplete(output: ObjectStore, shards: readonly string[]): Promise<boolean> {
  const receipts = new Set(await output.list('receipts'));
  return shards.every((shard) => receipts.has(receiptKey(shard)));
}

/**
 * Joins the parts in the order of the shards into one file with one header, and compares each with its receipt on the way. Doing it twice
 * gives the same bytes, so it does not matter who does.
 *
 * @throws CROSSCHECK_SCORE_PART_BROKEN, CROSSCHECK_SCORE_HEADERS_DIFFER
 */
export async function merge(output: ObjectStore, shards: readonly string[]): Promise<Summary> {
  const counts = { rows: 0, fake: 0, real: 0, failed: 0 };
  for (const shard of shards) {
    const receipt = JSON.parse((await readAll(output, receiptKey(shard))).toString()) as Receipt;
    for (const key of ['rows', 'fake', 'real', 'failed'] as const) counts[key] += receipt[key];
  }
  const file = predictionsKey(shards);
  const [hash, size] = [createHash('sha256'), { bytes: 0 }];
  await output.writeStream(file, measured(joinParts(output, shards), hash, size));
  const summary = { shards: shards.length, ...counts, file, ...size, sha256: hash.digest('hex') };
  await output.write(summaryKey, Buffer.from(`${JSON.stringify(summary, null, 2)}\n`));
  return summary;
}

/** Of a job that was merged before, or null. */
export async function readSummary(output: ObjectStore): Promise<Summary | null> {
  if (!(await output.exists(summaryKey))) return null;
  return JSON.parse((await readAll(output, summaryKey)).toString()) as Summary;
}

/** One part is in memory at a time. */
async function* joinParts(output: ObjectStore, shards: readonly string[]): AsyncGenerator<Buffer> {
  const hasHeader = predictionsKey(shards).toLowerCase().endsWith('.csv');
  let header: Buffer | null = null;
  for (const shard of shards) {
    const part = await readPart(output, shard);
    const end = hasHeader ? headerEnd(part) : 0;
    if (header === null) yield part.subarray(0, end);
    header ??= part.subarray(0, end);
    if (!header.equals(part.subarray(0, end))) throw headersDiffer(shards[0] as string, shard);
    yield part.subarray(end);
  }
}

async function readPart(output: ObjectStore, shard: string): Promise<Buffer> {
  const receipt = JSON.parse((await readAll(output, receiptKey(shard))).toString()) as Receipt;
  const part = await readAll(output, partKey(shard));
  const sha256 = createHash('sha256').update(part).digest('hex');
  if (sha256 === receipt.partSha256) return part;
  const message = `expected ${partKey(shard)} in ${output.url} as its receipt says (sha256 ${receipt.partSha256}, ${receipt.partBytes} bytes), got ${sha256}, ${part.length} bytes; remove both and run it again`;
  throw new CrosscheckError('CROSSCHECK_SCORE_PART_BROKEN', message);
}

/** Past the first line end outside of quotes. */
function headerEnd(csv: Buffer): number {
  let isQuoted = false;
  for (let i = 0; i < csv.length; i++) {
    if (csv[i] === 0x22) isQuoted = !isQuoted;
    if (csv[i] === 0x0a && !isQuoted) return i + 1;
  }
  return csv.length;
}

async function* measured(
  chunks: AsyncIterable<Buffer>,
  hash: ReturnType<typeof createHash>,
  size: { bytes: number },
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    size.bytes += chunk.length;
    yield chunk;
  }
}

function headersDiffer(first: string, other: string): CrosscheckError {
  const message = `expected the same columns in every shard, found others in ${other} than in ${first}; the parts are judged, but cannot become one CSV`;
  return new CrosscheckError('CROSSCHECK_SCORE_HEADERS_DIFFER', message);
}
