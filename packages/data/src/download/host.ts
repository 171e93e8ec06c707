import { setTimeout as sleep } from 'node:timers/promises';

/** One host that pictures come from, and how it wants to be treated. */
export interface Host {
  /** Waits for this host's turn; false when it asked for a longer pause than allowed. */
  ready(): Promise<boolean>;
  /** No request before so many milliseconds have passed. */
  pause(ms: number): void;
}

export function createHost({ intervalMs, maxWaitMs }: { intervalMs: number; maxWaitMs: number }): Host {
  let [next, paused] = [0, 0];
  return {
    async ready() {
      // Another lane may lengthen the pause while this one waits.
      for (;;) {
        const now = Date.now();
        if (paused - now > maxWaitMs) return false;
        if (paused <= now) break;
        await sleep(paused - now);
      }
      const now = Date.now();
      const turn = Math.max(now, next);
      next = turn + intervalMs;
      if (turn > now) await sleep(turn - now);
      return true;
    },
    pause(ms) {
      paused = Math.max(paused, Date.now() + ms);
    },
  };
}

/** Lets at most `limit` pieces of work run at once; the others wait in line. */
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
