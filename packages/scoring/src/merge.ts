import { createHash } from 'node:crypto';
import { CrosscheckError } from '@crosscheck/contract';
import { sha256Of } from '@crosscheck/files';
import type { Failure } from '@crosscheck/inference/batch';
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
  /** Why rows failed, the commonest first. */
  failures?: Failure[];
  /** The merged file; null when the parts were left as they are. */
  file: string | null;
  bytes: number;
  sha256: string | null;
}

const receiptsAtATime = 32;

/** Of the shards that are judged, in the order of the shards. */
export async function finishedShards(output: ObjectStore, shards: readonly string[]): Promise<Set<string>> {
  const receipts = new Set(await output.list('receipts'));
  return new Set(shards.filter((shard) => receipts.has(receiptKey(shard))));
}

/**
 * Sums up all receipts and, unless told otherwise, joins the parts in the order of the shards into one file with one header; each is compared with its
 * receipt on the way. Doing it twice gives the same bytes, so it does not matter who does.
 *
 * @throws CROSSCHECK_SCORE_PART_BROKEN, CROSSCHECK_SCORE_HEADERS_DIFFER
 */
export async function finishJob(output: ObjectStore, shards: readonly string[], isMerged: boolean): Promise<Summary> {
  const receipts = await readReceipts(output, shards);
  const total = (key: 'rows' | 'fake' | 'real' | 'failed' | 'partBytes') =>
    receipts.reduce((sum, receipt) => sum + receipt[key], 0);
  const counts = { rows: total('rows'), fake: total('fake'), real: total('real'), failed: total('failed') };
  const result = isMerged ? await merge(output, receipts) : { file: null, bytes: total('partBytes'), sha256: null };
  const summary = { shards: shards.length, ...counts, failures: joinFailures(receipts), ...result };
  await output.write(summaryKey, Buffer.from(`${JSON.stringify(summary, null, 2)}\n`));
  return summary;
}

function joinFailures(receipts: readonly Receipt[]): Failure[] {
  const all = receipts.flatMap(({ shard, failures = [] }) =>
    failures.map((failure) => ({ ...failure, message: `${shard}: ${failure.message}` })),
  );
  const groups = Object.values(Object.groupBy(all, ({ code }) => code)) as [Failure, ...Failure[]][];
  const joined = groups.map((group) => ({ ...group[0], rows: group.reduce((sum, { rows }) => sum + rows, 0) }));
  return joined.sort((a, b) => b.rows - a.rows);
}

async function readReceipts(output: ObjectStore, shards: readonly string[]): Promise<Receipt[]> {
  const receipts: Receipt[] = [];
  for (let i = 0; i < shards.length; i += receiptsAtATime) {
    const some = shards.slice(i, i + receiptsAtATime).map((shard) => readAll(output, receiptKey(shard)));
    receipts.push(...(await Promise.all(some)).map((bytes) => JSON.parse(bytes.toString()) as Receipt));
  }
  return receipts;
}

async function merge(
  output: ObjectStore,
  receipts: readonly Receipt[],
): Promise<Pick<Summary, 'file' | 'bytes' | 'sha256'>> {
  const file = predictionsKey(receipts.map(({ shard }) => shard));
  const [hash, size] = [createHash('sha256'), { bytes: 0 }];
  await output.writeStream(file, measured(joinParts(output, receipts), hash, size));
  return { file, ...size, sha256: hash.digest('hex') };
}

/** Of a job that was merged before, or null. */
export async function readSummary(output: ObjectStore): Promise<Summary | null> {
  if (!(await output.exists(summaryKey))) return null;
  return JSON.parse((await readAll(output, summaryKey)).toString()) as Summary;
}

/** One part is in memory at a time. */
async function* joinParts(output: ObjectStore, receipts: readonly Receipt[]): AsyncGenerator<Buffer> {
  const first = receipts[0]?.shard ?? '';
  const hasHeader = first.toLowerCase().endsWith('.csv');
  let header: Buffer | null = null;
  for (const receipt of receipts) {
    const part = await readPart(output, receipt);
    const end = hasHeader ? headerEnd(part) : 0;
    if (header === null) yield part.subarray(0, end);
    header ??= part.subarray(0, end);
    if (!header.equals(part.subarray(0, end))) throw headersDiffer(first, receipt.shard);
    yield part.subarray(end);
  }
}

async function readPart(output: ObjectStore, { shard, partSha256, partBytes }: Receipt): Promise<Buffer> {
  const part = await readAll(output, partKey(shard));
  const sha256 = sha256Of(part);
  if (sha256 === partSha256) return part;
  const message = `expected ${partKey(shard)} in ${output.url} as its receipt says (sha256 ${partSha256}, ${partBytes} bytes), got ${sha256}, ${part.length} bytes; remove both and run it again`;
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
