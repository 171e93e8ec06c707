import { setTimeout as sleep } from 'node:timers/promises';

export interface PeerWatch {
  /** Rejects when that worker does not answer in time. */
  check: (rank: number, limitMs: number) => Promise<void>;
  peers: readonly number[];
  timeoutMs: number;
  /** Called once, with the worker that has been silent for too long; null when all answer and yet do not come. */
  onSilence: (rank: number | null) => void;
}

const checkMs = 1000;

/** A worker that answers but does not come for so many times the limit is stuck. */
const patience = 10;

/**
 * Asks the other workers how they are as long as this one waits for them: they answer however busy they are, but not when they are frozen or cannot
 * be reached. Time in which this process itself stood still does not count. @returns ends it
 */
export function watchPeers(watch: PeerWatch): () => void {
  const ended = new AbortController();
  void ask(watch, ended.signal);
  return () => ended.abort();
}

async function ask({ check, peers, timeoutMs, onSilence }: PeerWatch, ended: AbortSignal): Promise<void> {
  const silentMs = new Map<number, number>(peers.map((rank) => [rank, 0]));
  const roundMs = Math.min(checkMs, timeoutMs / 4);
  for (let waitedMs = 0; ; ) {
    const began = performance.now();
    await sleep(roundMs, undefined, { ref: false });
    if (ended.aborted) return;
    const answers = await Promise.all(peers.map((rank) => answersIn(check(rank, roundMs))));
    if (ended.aborted) return;
    const elapsedMs = Math.min(performance.now() - began, 3 * roundMs);
    waitedMs += elapsedMs;
    for (const [i, rank] of peers.entries()) silentMs.set(rank, answers[i] ? 0 : (silentMs.get(rank) ?? 0) + elapsedMs);
    const silent = peers.find((rank) => (silentMs.get(rank) ?? 0) >= timeoutMs);
    if (silent !== undefined) return onSilence(silent);
    if (waitedMs >= patience * timeoutMs) return onSilence(null);
  }
}

const answersIn = (check: Promise<void>) =>
  check.then(
    () => true,
    () => false,
  );
