import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@crosscheck/contract';
import { denied, notFound, unreachable } from './errors.ts';
import type { ObjectBody } from './store.ts';

/** How patient requests are. */
export interface Patience {
  /** Tries of one request before it counts as failed. */
  tries: number;
  /** Before the second try; doubled for every other, and varied so that many clients do not return at once. */
  backoffMs: number;
  /** For the head of an answer, and between two chunks of its body. */
  silenceMs: number;
}

export const usualPatience: Patience = { tries: 5, backoffMs: 200, silenceMs: 60_000 };

const mayPass = (status: number) => status >= 500 || status === 429 || status === 408;

/**
 * Sends a request until the answer is no failure that may pass.
 *
 * @param make called for every try, because a signed request is only valid for minutes
 * @throws CROSSCHECK_STORAGE_UNREACHABLE
 */
export async function send(
  place: string,
  make: () => Request | Promise<Request>,
  { tries, backoffMs, silenceMs }: Patience,
): Promise<Response> {
  let failure = { reason: 'nothing', cause: undefined as unknown };
  for (let attempt = 0; attempt < tries; attempt++) {
    if (attempt > 0) await sleep(backoffMs * 2 ** (attempt - 1) * (0.5 + Math.random()));
    try {
      const response = await fetchHead(await make(), silenceMs);
      if (!mayPass(response.status)) return response;
      failure = { reason: `${response.status}${await reasonOf(response)}`, cause: undefined };
    } catch (cause) {
      failure = { reason: describe(cause), cause };
    }
  }
  throw unreachable(place, `${failure.reason} ${tries} times`, failure.cause);
}

async function fetchHead(request: Request, silenceMs: number): Promise<Response> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error(`nothing for ${silenceMs / 1000} s`)), silenceMs);
  try {
    return await fetch(request, { signal: silence.signal });
  } finally {
    clearTimeout(timer);
  }
}

/** fetch hides why it failed in the cause of its error. */
function describe(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? messageOf(error);
}

/** The body of an answer, given up when it falls silent. */
async function* chunksOf(place: string, response: Response, { silenceMs }: Patience): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const silence = new Error(`nothing for ${silenceMs / 1000} s`);
  try {
    while (true) {
      const { done, value } = await within(silenceMs, silence, reader.read());
      if (done) return;
      yield value;
    }
  } catch (cause) {
    throw unreachable(place, `a body that broke off (${describe(cause)})`, cause);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function within<T>(ms: number, otherwise: Error, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(otherwise), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** What came of a request for the bytes from `from` on. */
export async function bodyOf(
  place: string,
  response: Response,
  { from, patience }: { from: number; patience: Patience },
): Promise<ObjectBody> {
  // The object ends before that byte: nothing is left to read.
  if (response.status === 416 && from > 0) return { chunks: noChunks(), from };
  await requireOk(place, response);
  return { chunks: chunksOf(place, response, patience), from: response.status === 206 ? from : 0 };
}

async function* noChunks(): AsyncGenerator<Uint8Array> {}

/** @throws CROSSCHECK_STORAGE_NOT_FOUND, CROSSCHECK_STORAGE_DENIED, CROSSCHECK_STORAGE_UNREACHABLE */
export async function requireOk(place: string, response: Response): Promise<Response> {
  if (response.ok) return response;
  const reason = await reasonOf(response);
  if (response.status === 404) throw notFound(place);
  if (response.status === 401 || response.status === 403) throw denied(place, response.status, reason);
  throw unreachable(place, `${response.status}${reason}`);
}

/** S3 says in XML what it minds. */
async function reasonOf(response: Response): Promise<string> {
  const text = await response.text().catch(() => '');
  const [code, message] = ['Code', 'Message'].map((tag) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(text)?.[1]);
  return code ? ` ${code} (${message ?? ''})` : '';
}
