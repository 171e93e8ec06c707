import { CrosscheckError } from '@crosscheck/contract';

/** Bytes that pieces of work share: each takes what it needs, and waits while there is not enough. */
export interface ByteBudget {
  readonly maxBytes: number;
  /** Taken now. */
  inUse(): number;
  /** Pieces that wait. */
  waiting(): number;
  /**
   * Waits for its turn, first come, first served; but those that take little do not wait for those that take much.
   *
   * @param name what errors call the picture
   * @returns gives the bytes back
   * @throws CROSSCHECK_IMAGE_OVER_BUDGET for more than there are in all; CROSSCHECK_IMAGE_BUDGET_BUSY when there was no room for too long; the
   * signal's reason
   */
  take(bytes: number, options?: { name?: string; signal?: AbortSignal | undefined }): Promise<() => void>;
}

/** Enough for any one picture of 40 megapixels in eight bits. */
export const defaultDecodedBytes = 896 * 2 ** 20;

interface Waiting {
  bytes: number;
  start: () => void;
}

/** What takes no more than this share of all bytes is little. So much is always left to it by those that wait. */
const littleShare = 1 / 8;

/**
 * @param maxBytes that may be taken at a time
 * @param options.patienceMs who waits longer is refused
 */
export function openByteBudget(maxBytes: number, { patienceMs = Infinity }: { patienceMs?: number } = {}): ByteBudget {
  const little = { line: new Set<Waiting>(), used: 0 };
  const much = { line: new Set<Waiting>(), used: 0 };
  const littleBytes = littleShare * maxBytes;
  const used = () => little.used + much.used;
  /** While the next one that takes much waits, little may only take what that one leaves; several that take much leave the share of little. */
  const mostOf = {
    little: ([next]: Waiting[]) => (next ? Math.max(littleBytes, maxBytes - next.bytes) - little.used : Infinity),
    much: () => (much.used === 0 ? Infinity : maxBytes - littleBytes - much.used),
  };
  const roomFor = (kind: typeof little) =>
    Math.min(maxBytes - used(), kind === little ? mostOf.little([...much.line]) : mostOf.much());
  const startFirst = () => {
    for (const kind of [much, little]) {
      for (const first of kind.line) {
        if (first.bytes > roomFor(kind)) break;
        kind.line.delete(first);
        kind.used += first.bytes;
        first.start();
      }
    }
  };
  const giveBack = (bytes: number, kind: typeof little) => {
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      kind.used -= bytes;
      startFirst();
    };
  };
  return {
    maxBytes,
    inUse: used,
    waiting: () => little.line.size + much.line.size,
    take(bytes, { name = 'image', signal } = {}) {
      if (bytes > maxBytes) return Promise.reject(overBudget(bytes, maxBytes, name));
      const kind = bytes > littleBytes ? much : little;
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const giveUp = (reason: unknown) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', leave);
          kind.line.delete(each);
          reject(reason as Error);
          startFirst();
        };
        const leave = () => giveUp(signal?.reason);
        const start = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', leave);
          resolve(giveBack(bytes, kind));
        };
        const timer = Number.isFinite(patienceMs)
          ? setTimeout(() => giveUp(budgetBusy(maxBytes, patienceMs, name)), patienceMs)
          : undefined;
        const each = { bytes, start };
        signal?.addEventListener('abort', leave, { once: true });
        kind.line.add(each);
        startFirst();
      });
    },
  };
}

const megabytes = (bytes: number) => Math.ceil(bytes / 2 ** 20);

function overBudget(bytes: number, maxBytes: number, name: string): CrosscheckError {
  const message = `expected a picture that decodes in ${megabytes(maxBytes)} MiB, got one that takes about ${megabytes(bytes)} MiB (${name}); send a smaller one, or raise the budget`;
  return new CrosscheckError('CROSSCHECK_IMAGE_OVER_BUDGET', message);
}

function budgetBusy(maxBytes: number, patienceMs: number, name: string): CrosscheckError {
  const message = `pictures that are being decoded take ${megabytes(maxBytes)} MiB, which is all that they may, and there was no room for another one in ${patienceMs} ms (${name}); try again later`;
  return new CrosscheckError('CROSSCHECK_IMAGE_BUDGET_BUSY', message);
}
