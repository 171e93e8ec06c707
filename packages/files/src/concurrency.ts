import { throwIfStopped } from '@crosscheck/contract';

export interface ConcurrencyOptions {
  /** A signal to stop is an error before the next item. False for a few items that belong together. @default true */
  heedsStop?: boolean;
}

/**
 * Calls `work` for every item. Its rules, the same wherever several things are done at once:
 *
 * - items begin in their order, at most `limit` are under way; a lane has one at a time, and is told to `work` by its number;
 * - after the first error, or a signal to stop, no other item begins;
 * - what is under way then comes to its end, and the first error is thrown. Nothing goes on behind the caller's back.
 */
export async function forEachConcurrently<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number, lane: number) => Promise<void>,
  { heedsStop = true }: ConcurrencyOptions = {},
): Promise<void> {
  const entries = items.entries();
  let failed: { error: unknown } | null = null;
  const runLane = async (lane: number) => {
    // The lanes share one iterator, so each takes the next item when it is free.
    for (const [index, item] of entries) {
      if (failed !== null) return;
      try {
        if (heedsStop) throwIfStopped();
        await work(item, index, lane);
      } catch (error) {
        failed ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, (_, lane) => runLane(lane)));
  if (failed !== null) throw (failed as { error: unknown }).error;
}

/** The same, with what `work` makes of each item, in the order of the items. */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
  options?: ConcurrencyOptions,
): Promise<R[]> {
  const results: R[] = Array.from({ length: items.length });
  const keep = async (item: T, index: number) => {
    results[index] = await work(item, index);
  };
  await forEachConcurrently(items, limit, keep, options);
  return results;
}

/** Lets at most `limit` pieces of work that come from several places run at once; the others wait in line. */
export function createSlots(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = limit;
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // The slot goes straight to the next in line, so that nobody slips in between.
      if (next) next();
      else free++;
    }
  };
}
