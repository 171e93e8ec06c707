import { throwIfStopped } from '@crosscheck/contract';

type Work<T> = (item: T, index: number) => Promise<void>;

/** Calls `work` for every item, at most `limit` at a time, in order of the items; the first error, or a signal to stop, ends it. */
export function runConcurrently<T>(items: readonly T[], limit: number, work: Work<T>): Promise<void> {
  return inLanes(items, limit, (item, index) => {
    throwIfStopped();
    return work(item, index);
  });
}

/** The same for a few items, which a signal does not divide. */
export async function inLanes<T>(items: readonly T[], limit: number, work: Work<T>): Promise<void> {
  const entries = items.entries();
  const lane = async () => {
    // The lanes share one iterator, so each takes the next item when it is free.
    for (const [index, item] of entries) await work(item, index);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
}
