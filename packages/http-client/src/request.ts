import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { agentFor } from './agents.ts';
import { chunksOf, silence } from './body.ts';
import { headersFor, isRedirect, parseAddress } from './redirect.ts';

export interface HttpRequest {
  url: string | URL;
  /** @default GET */
  method?: string;
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** Certificates (PEM) that the server's must be signed by; those of the system otherwise. */
  ca?: string;
  /** Longest wait for the head of the answer, and for each next chunk of its body. @default 60,000 */
  silenceMs?: number;
  /** Ends the request, and the body that is being read. */
  signal?: AbortSignal;
  /** Followed for GET and HEAD; 0 = a redirect is an answer like others. @default 10 */
  redirects?: number;
}

export interface HttpAnswer {
  /** 200 … 299. */
  ok: boolean;
  status: number;
  statusText: string;
  headers: Headers;
  /** Where it came from, after redirects. */
  url: string;
  /** The body, once; rejects when it breaks off, falls silent or is aborted. Leaving early closes the connection. */
  chunks: AsyncIterable<Uint8Array>;
  /** For bodies that nobody reads. */
  discard(): void;
}

const usualSilenceMs = 60_000;
const usualRedirects = 10;
const usualHeaders = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'crosscheck' };

/**
 * Sends a request. Every failure is a rejection of this promise or of the body's chunks; none can end the process.
 *
 * @throws an error that says why there is no answer; an answer of any status is no error
 */
export async function request(options: HttpRequest): Promise<HttpAnswer> {
  const { method = 'GET', redirects = usualRedirects } = options;
  let [url, headers] = [parseAddress(options.url), lowerCase({ ...usualHeaders, ...options.headers })];
  const mayFollow = redirects > 0 && (method === 'GET' || method === 'HEAD');
  for (let count = 0; ; count++) {
    const answer = await exchange(url, { ...options, method, headers });
    const location = mayFollow ? answer.headers.get('location') : null;
    if (location === null || !isRedirect(answer.status)) return answer;
    answer.discard();
    if (count === redirects) throw new Error(`more than ${redirects} redirects`);
    const target = parseAddress(location, url);
    [headers, url] = [headersFor(target, url, headers), target];
  }
}

/** The last of several spellings of a name wins. */
function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

async function exchange(url: URL, options: HttpRequest): Promise<HttpAnswer> {
  const { silenceMs = usualSilenceMs, signal } = options;
  signal?.throwIfAborted();
  const incoming = await headOf(url, { ...options, silenceMs });
  const status = incoming.statusCode ?? 0;
  return {
    ok: status >= 200 && status < 300,
    status,
    statusText: incoming.statusMessage ?? '',
    headers: headersOf(incoming),
    url: url.href,
    chunks: chunksOf(incoming, silenceMs),
    discard: () => void incoming.destroy(),
  };
}

function headOf(url: URL, options: HttpRequest & { silenceMs: number }): Promise<IncomingMessage> {
  const { method = 'GET', body, ca, silenceMs, signal } = options;
  return new Promise((resolve, reject) => {
    const headers = { ...options.headers, ...(body && { 'content-length': body.byteLength }) };
    const send = url.protocol === 'https:' ? https.request : http.request;
    const outgoing = send(url, { method, headers, agent: agentFor(url), ...(ca !== undefined && { ca }) });
    const timer = setTimeout(() => outgoing.destroy(silence(silenceMs)), silenceMs);
    const abort = () => outgoing.destroy(asError(signal?.reason));
    signal?.addEventListener('abort', abort, { once: true });
    outgoing.on('error', reject);
    outgoing.on('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      reject(new Error('the connection was closed without an answer')); // by now either settled, or it was
    });
    outgoing.on('response', (incoming) => {
      clearTimeout(timer);
      // With a listener here, whatever breaks off is kept for the reader and never thrown where nobody can catch it.
      incoming.on('error', () => {});
      const abortBody = () => incoming.destroy(asError(signal?.reason));
      signal?.addEventListener('abort', abortBody, { once: true });
      incoming.on('close', () => signal?.removeEventListener('abort', abortBody));
      if (method === 'HEAD') incoming.resume(); // nothing comes, and the connection is free again
      resolve(incoming);
    });
    if (body === undefined) outgoing.end();
    // What has been taken off our hands shows that the other side lives.
    else pipeline(Readable.from(pieces(body, () => timer.refresh())), outgoing).catch(reject);
  });
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));

const pieceBytes = 1 << 16;

function* pieces(body: Uint8Array, onPiece: () => void): Generator<Uint8Array> {
  for (let at = 0; at < body.byteLength; at += pieceBytes) {
    onPiece();
    yield body.subarray(at, at + pieceBytes);
  }
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '');
  return headers;
}

/** The whole body. @throws when it is longer than `maxBytes`, or does not come to its end */
export async function readAtMost({ chunks, url }: HttpAnswer, maxBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new Error(`expected at most ${maxBytes} bytes from ${url}, got more`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}
