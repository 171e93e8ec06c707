import { CrosscheckError } from '@crosscheck/contract';

export interface CancellationOptions {
  /** Rejects with the signal's reason; posts that still wait are dropped. */
  signal?: AbortSignal;
  /** Rejects with CROSSCHECK_INFERENCE_TIMEOUT after this long. */
  timeoutMs?: number;
}

export interface Cancellation {
  signal: AbortSignal;
  /** Rejects with the reason when the signal is aborted. */
  cancelled: Promise<never>;
  abort: (reason: unknown) => void;
  /** Lets go of the timer and the caller's signal. */
  close: () => void;
}

/**
 * One signal out of the caller's, the time limit and the failure of a sibling post; `cancelled` rejects with its reason. Not
 * `AbortSignal.any`: Node keeps a composite signal alive as long as somebody listens to it.
 */
export function openCancellation({ signal, timeoutMs }: CancellationOptions): Cancellation {
  const controller = new AbortController();
  const abort = (reason: unknown) => controller.abort(reason);
  const cancelled = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
  });
  cancelled.catch(() => {});
  const forward = () => abort(signal?.reason);
  if (signal?.aborted) forward();
  signal?.addEventListener('abort', forward, { once: true });
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => abort(timeout(timeoutMs)), timeoutMs);
  const close = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', forward);
  };
  return { signal: controller.signal, cancelled, abort, close };
}

function timeout(timeoutMs: number): CrosscheckError {
  const message = `no verdict within ${timeoutMs} ms; the service is overloaded, or the limit is too short for it`;
  return new CrosscheckError('CROSSCHECK_INFERENCE_TIMEOUT', message);
}
