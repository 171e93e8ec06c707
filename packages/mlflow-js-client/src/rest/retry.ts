import { setTimeout as sleep } from 'node:timers/promises';
import { isTemporary, MlflowError, messageOf } from '../errors.ts';

export interface RetryPolicy {
  maxRetries: number;
  /** Seconds. */
  backoffFactor: number;
  /** Seconds. */
  backoffJitter: number;
}

const LONGEST_WAIT_MS = 120_000;
const RETRY_AFTER = Symbol('retryAfterMs');

/** Remembers on the error how long the server asked to wait. */
export function withRetryAfter(error: MlflowError, header: string | undefined): MlflowError {
  const waitMs = parseRetryAfter(header);
  return waitMs === null ? error : Object.assign(error, { [RETRY_AFTER]: waitMs });
}

/** Repeats a request while its failure is temporary; the last error tells how often it was tried. */
export async function withRetries<T>(policy: RetryPolicy, attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let retry = 0; ; retry++) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isTemporary(error)) throw error;
      if (retry >= policy.maxRetries) throw describeAttempts(error as MlflowError, retry + 1);
      const waitMs = computeWaitMs(policy, retry, error as MlflowError);
      await sleep(waitMs, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
    }
  }
}

/** urllib3's schedule, which MLflow's Python client uses: none, 2, 4, … × the factor, plus jitter; Retry-After wins. */
export function computeWaitMs(policy: RetryPolicy, retry: number, error: object): number {
  const asked = (error as { [RETRY_AFTER]?: number })[RETRY_AFTER];
  if (asked !== undefined) return Math.min(asked, LONGEST_WAIT_MS);
  const backoff = retry === 0 ? 0 : policy.backoffFactor * 2 ** retry;
  return Math.min((backoff + Math.random() * policy.backoffJitter) * 1000, LONGEST_WAIT_MS);
}

/** Seconds or an HTTP date, as milliseconds from now; null when absent or unreadable. */
export function parseRetryAfter(header: string | undefined): number | null {
  if (header === undefined) return null;
  const waitMs = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : null;
}

function describeAttempts(error: MlflowError, attempts: number): MlflowError {
  if (attempts === 1) return error;
  const { status, request } = error;
  return new MlflowError(error.errorCode, `${messageOf(error)} (tried ${attempts} times)`, {
    status,
    request,
    cause: error,
  });
}
