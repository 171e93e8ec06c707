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
   * @throws CROSSCHECK_IMAGE_OVER_BUDGET for more than there are in all; the signal's reason
   */
  take(bytes: number, options?: { name?: string; signal?: AbortSignal | undefined }): Promise<() => void>;
}

interface Waiting {
  bytes: number;
  start: () => void;
}

/** What takes no more than this share of all bytes is little. So much is always left to it by those that wait. */
const littleShare = 1 / 8;

/** @param maxBytes that may be taken at a time */
export function openByteBudget(maxBytes: number): ByteBudget {
  const little = { line: new Set<Waiting>(), used: 0 };
  const much = { line: new Set<Waiting>(), used: 0 };
  const littleBytes = littleShare * maxBytes;
  const used = () => little.used + much.used;
  /** While the next one that takes much waits, little may only take what that one leaves. */
  const roomFor = (kind: typeof little) => {
    const [next] = much.line;
    const isHeld = kind === little && next !== undefined;
    const most = isHeld ? Math.max(littleBytes, maxBytes - next.bytes) - little.used : Infinity;
    return Math.min(maxBytes - used(), most);
  };
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
        const leave = () => {
          kind.line.delete(each);
          reject(signal?.reason as Error);
          startFirst();
        };
        const start = () => {
          signal?.removeEventListener('abort', leave);
          resolve(giveBack(bytes, kind));
        };
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
