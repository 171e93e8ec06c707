import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import type { ParquetReply } from './parquet-worker.ts';

const workerFile = new URL(`./parquet-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/**
 * All rows of a parquet file: binary columns as bytes, text as text. Read in a thread that is ended when the file takes more memory or work than
 * one of its size can need.
 *
 * @throws CROSSCHECK_DATA_BROKEN_PARQUET
 */
export async function readParquetRows(file: string): Promise<Record<string, unknown>[]> {
  const status = await stat(file).catch((cause: unknown) => {
    throw broken(file, messageOf(cause), cause);
  });
  if (!status.isFile()) throw broken(file, 'a folder or a device');
  const reply = await readInWorker(file, status.size).catch((cause: unknown) => {
    throw broken(file, messageOf(cause), cause);
  });
  if ('error' in reply) throw broken(file, reply.error);
  return reply.rows;
}

const [mebibyte, watchMs] = [1 << 20, 200];

/** What a well-made file stays far below: pictures of some kilobytes and a few columns. */
const limitsOf = (size: number) => ({
  heapMegabytes: 512 + 8 * Math.ceil(size / mebibyte),
  residentBytes: 1024 * mebibyte + 16 * size,
  cpuSeconds: 60 + 10 * (size / mebibyte),
});

async function readInWorker(file: string, size: number): Promise<ParquetReply> {
  const { heapMegabytes, residentBytes, cpuSeconds } = limitsOf(size);
  const worker = new Worker(workerFile, {
    workerData: { file },
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
  });
  const { promise, resolve, reject } = Promise.withResolvers<ParquetReply>();
  worker.once('message', resolve).once('error', reject);
  worker.once('exit', () => reject(new Error('a reader that ended without an answer')));
  const before = process.memoryUsage.rss();
  const look = async () => {
    const { user } = await worker.cpuUsage().catch(() => ({ user: 0 }));
    const isTooMuch = process.memoryUsage.rss() - before > residentBytes || user / 1e6 > cpuSeconds;
    if (isTooMuch) reject(new Error(`more memory or work than ${size} bytes can need`));
  };
  const watch = setInterval(() => void look(), watchMs);
  try {
    return await promise;
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}

function broken(file: string, got: string, cause?: unknown): CrosscheckError {
  const message = `expected a parquet file (uncompressed or Snappy), got ${got} (${file}); download it again`;
  return new CrosscheckError('CROSSCHECK_DATA_BROKEN_PARQUET', message, { cause });
}
