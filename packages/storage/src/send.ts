import { setTimeout as sleep } from 'node:timers/promises';
import { type HttpAnswer, type HttpRequest, readAtMost, reasonOf, request } from '@crosscheck/http-client';
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
  make: () => HttpRequest | Promise<HttpRequest>,
  { tries, backoffMs, silenceMs }: Patience,
): Promise<HttpAnswer> {
  let failure = { reason: 'nothing', cause: undefined as unknown };
  for (let attempt = 0; attempt < tries; attempt++) {
    if (attempt > 0) await sleep(backoffMs * 2 ** (attempt - 1) * (0.5 + Math.random()));
    try {
      const answer = await request({ ...(await make()), silenceMs });
      if (!mayPass(answer.status)) return answer;
      failure = { reason: `${answer.status}${await detailOf(answer)}`, cause: undefined };
    } catch (cause) {
      failure = { reason: reasonOf(cause), cause };
    }
  }
  throw unreachable(place, `${failure.reason} ${tries} times`, failure.cause);
}

async function* chunksOf(place: string, { chunks }: HttpAnswer): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (cause) {
    throw unreachable(place, `a body that broke off (${reasonOf(cause)})`, cause);
  }
}

/** The bytes of an object from `from` on, or all of them from a server that gives no such part. */
export async function readFrom(
  place: string,
  from: number,
  ask: (headers: Record<string, string>) => Promise<HttpAnswer>,
): Promise<ObjectBody> {
  const answer = await ask(from > 0 ? { range: `bytes=${from}-` } : {});
  if (from > 0 && (answer.status === 416 || isOtherPart(answer, from))) {
    answer.discard();
    // 416: the object ends before that byte, and nothing is left to read.
    return answer.status === 416 ? { chunks: noChunks(), from } : readFrom(place, 0, ask);
  }
  await requireOk(place, answer);
  return { chunks: chunksOf(place, answer), from: answer.status === 206 ? from : 0 };
}

/** A part that begins elsewhere, or that was compressed as a part, would be put in the wrong place. */
function isOtherPart({ status, headers }: HttpAnswer, from: number): boolean {
  const begins = headers.get('content-range') ?? `bytes ${from}-`;
  return status === 206 && (!begins.startsWith(`bytes ${from}-`) || headers.has('content-encoding'));
}

async function* noChunks(): AsyncGenerator<Uint8Array> {}

/** @throws CROSSCHECK_STORAGE_NOT_FOUND, CROSSCHECK_STORAGE_DENIED, CROSSCHECK_STORAGE_UNREACHABLE */
export async function requireOk(place: string, answer: HttpAnswer): Promise<HttpAnswer> {
  if (answer.ok) return answer;
  const detail = await detailOf(answer);
  if (answer.status === 404) throw notFound(place);
  if (answer.status === 401 || answer.status === 403) throw denied(place, answer.status, detail);
  throw unreachable(place, `${answer.status}${detail}`);
}

/** The body of an answer that is no object: S3's listings and reasons are far smaller. */
export async function textOf(answer: HttpAnswer): Promise<string> {
  return (await readAtMost(answer, 64 * 2 ** 20)).toString();
}

/** S3 says in XML what it minds. */
async function detailOf(answer: HttpAnswer): Promise<string> {
  const text = await textOf(answer).catch(() => '');
  const [code, message] = ['Code', 'Message'].map((tag) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(text)?.[1]);
  return code ? ` ${code} (${message ?? ''})` : '';
}
