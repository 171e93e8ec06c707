import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '@crosscheck/contract';
import { createSlots, forEachConcurrently } from '@crosscheck/files';
import type { Fate } from './fates.ts';
import { type FetchOptions, fetchPicture } from './fetch-picture.ts';
import { createHost, type Host } from './host.ts';

export interface DownloadOptions extends FetchOptions {
  /** Requests under way at once. */
  concurrency: number;
  /** Requests under way at once to one host. */
  perHost: number;
  /** Shortest time between the starts of two requests to one host. */
  intervalMs: number;
  /** More tries after the first, for failures that may pass. */
  retries: number;
  /** Before the first further try; doubled for every other. */
  backoffMs: number;
  /** A host that asks for a longer pause is left for the next run. */
  maxWaitMs: number;
}

/** What the network gave for one address. */
export type Download = { attempts: number } & ({ bytes: Buffer } | { fate: Fate; detail: string });

/** Fetches every address, politely: limits and pauses count per host, and a pause that one answer asks for holds for all. */
export async function downloadAll<T extends { url: string }>(
  jobs: readonly T[],
  options: DownloadOptions,
  onDone: (job: T, download: Download) => Promise<void>,
): Promise<void> {
  const slot = createSlots(options.concurrency);
  const byHost = Map.groupBy(jobs, ({ url }) => new URL(url).host);
  await Promise.all(
    [...byHost.values()].map((ofHost) => {
      const host = createHost(options);
      return forEachConcurrently(ofHost, options.perHost, async (job) => onDone(job, await download(job.url, host)));
    }),
  );

  async function download(url: string, host: Host): Promise<Download> {
    for (let attempts = 1; ; attempts++) {
      if (!(await host.ready())) {
        return {
          attempts: attempts - 1,
          fate: 'rate_limited',
          detail: `its host asks to wait more than ${options.maxWaitMs} ms`,
        };
      }
      const outcome = await slot(() => fetchPicture(url, options));
      if (outcome.kind === 'file') return { attempts, bytes: outcome.bytes };
      const { fate, detail } = outcome;
      if (outcome.kind === 'again' && outcome.waitMs !== undefined) host.pause(outcome.waitMs);
      if (outcome.kind === 'fate' || attempts > options.retries) return { attempts, fate, detail };
      if (outcome.waitMs === undefined) await sleep(backoff(options.backoffMs, url, attempts));
    }
  }
}

/** Doubles with every try; half of it is by chance, so that lanes do not come back all at once. */
function backoff(first: number, url: string, attempt: number): number {
  return first * 2 ** (attempt - 1) * createRandom('backoff', url, attempt).uniform(0.5, 1);
}
