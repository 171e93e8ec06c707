import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { sha256OfFile } from '@crosscheck/files';
import { type HttpAnswer, reasonOf } from '@crosscheck/http-client';
import { corruptDownload, type HubFile, refuse } from './errors.ts';
import type { HubFileMetadata } from './metadata.ts';
import { Retryable, type Retrying, retry, send } from './request.ts';

export interface DownloadProgress {
  readonly file: string;
  readonly receivedBytes: number;
  /** null when the Hub does not say. */
  readonly totalBytes: number | null;
}

export interface Download {
  readonly url: string;
  readonly file: HubFile;
  readonly metadata: HubFileMetadata;
  readonly headers: Record<string, string>;
  readonly retrying: Retrying;
  readonly onProgress: (progress: DownloadProgress) => void;
}

const stallTimeoutMs = 60_000;

/**
 * Downloads into `<target>.incomplete` and renames it when size and hash are right. What an earlier, interrupted download left
 * there is continued with a Range request.
 */
export async function download(target: string, job: Download): Promise<void> {
  const incomplete = `${target}.incomplete`;
  let furthest = 0; // a server without ranges starts anew each time, which is no progress
  await retry((reportProgress) => {
    return receive(incomplete, job, (position) => {
      if (position > furthest) reportProgress();
      furthest = Math.max(furthest, position);
    });
  }, job.retrying);
  const problem = await findProblem(incomplete, job.metadata);
  if (problem !== null) {
    await rm(incomplete, { force: true });
    throw corruptDownload(job.file, problem);
  }
  await rename(incomplete, target);
}

async function receive(incomplete: string, job: Download, onReceived: (position: number) => void): Promise<void> {
  const handle = await open(incomplete, 'a');
  try {
    const { size: received } = await handle.stat();
    if (job.metadata.size !== null && received >= job.metadata.size) return; // complete, or too long and found damaged later
    await receiveFrom(received, handle, { job, onReceived });
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function receiveFrom(
  received: number,
  handle: FileHandle,
  { job, onReceived }: { job: Download; onReceived: (position: number) => void },
): Promise<void> {
  const range = received > 0 ? { range: `bytes=${received}-` } : {};
  const response = await send({ url: job.url, headers: { ...job.headers, ...range }, silenceMs: stallTimeoutMs });
  try {
    let position = await startPosition(response, received, { handle, file: job.file });
    for await (const chunk of chunksOf(response)) {
      await handle.appendFile(chunk);
      position += chunk.byteLength;
      onReceived(position);
      job.onProgress({ file: job.file.file, receivedBytes: position, totalBytes: job.metadata.size });
    }
    if (job.metadata.size !== null && position < job.metadata.size)
      throw new Retryable(`the connection ended at byte ${position}`);
  } finally {
    response.discard();
  }
}

/** Where the answer's bytes belong: behind those received when the server honours the range, else at the start again. */
async function startPosition(
  response: HttpAnswer,
  received: number,
  { handle, file }: { handle: FileHandle; file: HubFile },
): Promise<number> {
  if (response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${received}-`))
    return received;
  const isUnwanted = response.status === 206 || response.status === 416;
  if (!response.ok && !isUnwanted) refuse(response, file);
  await handle.truncate(0);
  if (!isUnwanted) return 0;
  throw new Retryable(`the range from byte ${received} was not honoured`);
}

/** A connection that breaks becomes an error that is worth another try; errors of the disk stay what they are. */
async function* chunksOf({ chunks }: HttpAnswer): AsyncGenerator<Uint8Array> {
  const reader = chunks[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await reader.next().catch((error: unknown) => {
      throw new Retryable(reasonOf(error));
    });
    if (done) return;
    yield value;
  }
}

const isSha256 = (etag: string): boolean => /^[0-9a-f]{64}$/.test(etag);

async function findProblem(file: string, { size, etag }: HubFileMetadata): Promise<string | null> {
  const received = (await stat(file)).size;
  if (size !== null && received !== size) return `${received} bytes instead of ${size}`;
  if (!isSha256(etag)) return null;
  const got = await sha256OfFile(file);
  return got === etag ? null : `its SHA-256 is ${got}, the Hub announced ${etag}`;
}
