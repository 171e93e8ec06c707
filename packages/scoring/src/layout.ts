import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { type ObjectStore, openStore } from '@crosscheck/storage';
import type { ScoreConfig } from './schema.ts';

/** Names of what a job leaves below `score.output`. */
export const jobKey = 'job.json';
export const summaryKey = 'predictions.json';
export const partKey = (shard: string): string => `parts/${shard}`;
export const receiptKey = (shard: string): string => `receipts/${shard}.json`;
export const predictionsKey = (shards: readonly string[]): string =>
  `predictions${path.extname(shards[0] ?? '') || '.csv'}`;

/** Where a job reads and writes. */
export interface Stores {
  shards: ObjectStore;
  output: ObjectStore;
  images: ObjectStore;
}

/** @throws CROSSCHECK_SCORE_OUTPUT_INSIDE, CROSSCHECK_STORAGE_BAD_URL */
export function openStores({ shards, output, images }: ScoreConfig['score']): Stores {
  if (isInside(output, shards)) {
    const message = `expected score.output outside of score.shards, got ${output} in ${shards}: the results would become shards`;
    throw new CrosscheckError('CROSSCHECK_SCORE_OUTPUT_INSIDE', message);
  }
  return { shards: openStore(shards), output: openStore(output), images: openStore(images ?? shards) };
}

function isInside(inner: string, outer: string): boolean {
  const normalize = (address: string) =>
    `${address.includes('://') ? address.replace(/\/+$/, '') : path.resolve(address)}/`;
  return normalize(inner).startsWith(normalize(outer));
}

const shardName = /\.(csv|jsonl|ndjson)$/i;

/**
 * Names of the shards, in the order of the merged output.
 *
 * @throws CROSSCHECK_SCORE_NO_SHARDS, CROSSCHECK_SCORE_MIXED_SHARDS
 */
export async function listShards(store: ObjectStore): Promise<string[]> {
  const shards = (await store.list('')).filter((key) => shardName.test(key));
  if (shards.length === 0) {
    const message = `expected .csv, .jsonl or .ndjson files in ${store.url}, found none; set score.shards, or make them with pnpm score:split`;
    throw new CrosscheckError('CROSSCHECK_SCORE_NO_SHARDS', message);
  }
  const kinds = new Set(shards.map((shard) => path.extname(shard)));
  if (kinds.size > 1) {
    const message = `expected shards of one kind in ${store.url}, found ${[...kinds].join(' and ')}; keep them in folders of their own`;
    throw new CrosscheckError('CROSSCHECK_SCORE_MIXED_SHARDS', message);
  }
  return shards;
}

/** The shards of one worker: every `workers`-th. */
export function shardsOf(index: number, { workers, shards }: { workers: number; shards: readonly string[] }): string[] {
  return shards.filter((_, position) => position % workers === index);
}
