import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import zlib from 'node:zlib';

/** What undoes a `content-encoding`; nothing of ours asks for one, but some servers compress whatever they send. */
const decoders: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = {
  gzip: () => zlib.createGunzip(),
  'x-gzip': () => zlib.createGunzip(),
  deflate: () => zlib.createInflate(),
  br: () => zlib.createBrotliDecompress(),
  zstd: () => zlib.createZstdDecompress(),
};

const encodingsOf = (incoming: IncomingMessage) =>
  (incoming.headers['content-encoding'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');

/** The body as it was before the server compressed it. */
function decoded(incoming: IncomingMessage): Readable {
  return encodingsOf(incoming).reduceRight<Readable>((body, name) => {
    const decoder = Object.hasOwn(decoders, name) ? decoders[name]?.() : undefined;
    if (!decoder) throw new Error(`expected a body as it is or compressed by gzip, br, zstd or deflate, got ${name}`);
    // What fails in one of the two is thrown to who reads the last.
    pipeline(body, decoder, () => {});
    return decoder;
  }, incoming);
}

/**
 * The chunks of a body. Only the time spent waiting for the server counts as silence, not what the reader takes for itself;
 * a reader that leaves early closes the connection.
 */
export async function* chunksOf(incoming: IncomingMessage, silenceMs: number): AsyncGenerator<Buffer> {
  let isRead = false;
  try {
    const chunks = decoded(incoming)[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await beforeSilence(incoming, silenceMs, chunks.next());
      isRead = done === true;
      if (isRead) return;
      yield value as Buffer;
    }
  } finally {
    if (!isRead) incoming.destroy();
  }
}

async function beforeSilence<T>(incoming: IncomingMessage, silenceMs: number, next: Promise<T>): Promise<T> {
  const timer = setTimeout(() => incoming.destroy(silence(silenceMs)), silenceMs);
  try {
    return await next;
  } finally {
    clearTimeout(timer);
  }
}

export const silence = (ms: number): Error => new Error(`nothing for ${ms / 1000} s`);
