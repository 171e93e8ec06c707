import { setTimeout as sleepFor } from 'node:timers/promises';
import { type HttpAnswer, type HttpRequest, reasonOf, request } from '@crosscheck/http-client';
import { Unreachable } from './errors.ts';

export interface Retrying {
  /** Tries in all. */
  readonly attempts: number;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
}

export const patient: Retrying = { attempts: 5, sleep: sleepFor };

const answerTimeoutMs = 30_000;
const [firstDelayMs, longestDelayMs, longestRetryAfterMs] = [500, 8_000, 60_000];
const busyStatuses = [408, 429, 500, 502, 503, 504];

/** A failure after which the same request is worth another try, with the pause that the server asked for. */
export class Retryable extends Unreachable {
  readonly retryAfterMs: number | null;

  constructor(message: string, retryAfterMs: number | null = null) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Sends a request; a connection that fails and a server that is busy become `Retryable`. */
export async function send(call: HttpRequest): Promise<HttpAnswer> {
  const answer = await request({ silenceMs: answerTimeoutMs, ...call }).catch((error: unknown) => {
    throw new Retryable(reasonOf(error));
  });
  if (!busyStatuses.includes(answer.status)) return answer;
  answer.discard();
  const reason = `${answer.status} ${answer.statusText}`.trim();
  throw new Retryable(reason, retryAfterMs(answer.headers.get('retry-after')));
}

/** Seconds or a date, as milliseconds from now. */
export function retryAfterMs(header: string | null): number | null {
  if (header === null) return null;
  const milliseconds = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(milliseconds) ? null : Math.min(Math.max(0, milliseconds), longestRetryAfterMs);
}

/** Repeats `attempt` while it throws `Retryable`, with growing pauses. An attempt that got further than the one before starts the count anew. */
export async function retry<T>(
  attempt: (reportProgress: () => void) => Promise<T>,
  { attempts, sleep }: Retrying,
): Promise<T> {
  let failures = 0;
  for (;;) {
    let hasProgressed = false;
    try {
      return await attempt(() => (hasProgressed = true));
    } catch (error) {
      if (!(error instanceof Retryable)) throw error;
      failures = hasProgressed ? 1 : failures + 1;
      if (failures >= attempts) throw new Unreachable(`${error.message} (${attempts} tries)`);
      await sleep(error.retryAfterMs ?? Math.min(firstDelayMs * 2 ** (failures - 1), longestDelayMs));
    }
  }
}
