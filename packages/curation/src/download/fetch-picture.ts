import { type HttpAnswer, reasonOf, request } from '@crosscheck/http-client';
import { isPlaceholderAddress } from '../fingerprint/placeholders.ts';
import type { Fate } from './fates.ts';

export interface FetchOptions {
  timeoutMs: number;
  maxBytes: number;
  userAgent: string;
}

/** The answer to one request: a file, a fate, or a reason to ask again (after `waitMs`, if the host said when). */
export type FetchOutcome =
  | { kind: 'file'; bytes: Buffer }
  | { kind: 'fate'; fate: Fate; detail: string }
  | { kind: 'again'; fate: Fate; detail: string; waitMs?: number };

const MAX_REDIRECTS = 5;

const fateByStatus: Record<number, { fate: Fate; again: boolean }> = {
  404: { fate: 'not_found', again: false },
  410: { fate: 'not_found', again: false },
  401: { fate: 'forbidden', again: false },
  403: { fate: 'forbidden', again: false },
  451: { fate: 'forbidden', again: false },
  408: { fate: 'timeout', again: true },
  425: { fate: 'rate_limited', again: true },
  429: { fate: 'rate_limited', again: true },
};

/** Asks for a picture once, following redirects, reading no more than `maxBytes`. Never throws. */
export async function fetchPicture(address: string, options: FetchOptions): Promise<FetchOutcome> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), options.timeoutMs);
  try {
    return await follow(new URL(address), options, abort.signal);
  } catch (error) {
    if (abort.signal.aborted) return again('timeout', `no whole answer within ${options.timeoutMs} ms`);
    return again('unreachable', reasonOf(error));
  } finally {
    clearTimeout(timer);
  }
}

async function follow(start: URL, options: FetchOptions, signal: AbortSignal): Promise<FetchOutcome> {
  let url = start;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    if (isPlaceholderAddress(url)) return fate('placeholder', `redirected to ${url.href}`);
    const headers = { 'user-agent': options.userAgent, accept: 'image/*,*/*;q=0.5' };
    const answer = await request({ url, headers, signal, redirects: 0, silenceMs: options.timeoutMs });
    const location = answer.headers.get('location');
    if (answer.status < 300 || answer.status >= 400 || location === null) return read(answer, options);
    answer.discard();
    url = new URL(location, url);
    if (!/^https?:$/.test(url.protocol)) return fate('refused', `redirected to ${url.href}`);
  }
  return fate('refused', `more than ${MAX_REDIRECTS} redirects`);
}

async function read(answer: HttpAnswer, { maxBytes }: FetchOptions): Promise<FetchOutcome> {
  if (!answer.ok) {
    answer.discard();
    return ofStatus(answer);
  }
  const announced = Number(answer.headers.get('content-length') ?? 0);
  const bytes = announced > maxBytes ? null : await readUpTo(answer, maxBytes);
  if (bytes !== null) return { kind: 'file', bytes };
  answer.discard();
  return fate('too_large', `more than ${maxBytes} bytes`);
}

/** Null when there are more; leaving the loop early closes the connection. */
async function readUpTo({ chunks }: HttpAnswer, maxBytes: number): Promise<Buffer | null> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    size += chunk.byteLength;
    if (size > maxBytes) return null;
  }
  return Buffer.concat(parts);
}

function ofStatus({ status, headers }: HttpAnswer): FetchOutcome {
  const known = fateByStatus[status] ?? { fate: status >= 500 ? 'server_error' : 'refused', again: status >= 500 };
  if (!known.again) return fate(known.fate, `HTTP ${status}`);
  const waitMs = readRetryAfter(headers.get('retry-after'));
  return { ...again(known.fate, `HTTP ${status}`), ...(waitMs !== null && { waitMs }) };
}

/** Seconds or a date, as milliseconds from now (RFC 9110, section 10.2.3). */
export function readRetryAfter(value: string | null, now = Date.now()): number | null {
  if (value === null) return null;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

const fate = (name: Fate, detail: string) => ({ kind: 'fate', fate: name, detail }) as const;
const again = (name: Fate, detail: string) => ({ kind: 'again', fate: name, detail }) as const;
