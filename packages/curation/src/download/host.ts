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
