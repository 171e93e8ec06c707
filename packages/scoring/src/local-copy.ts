import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ObjectStore } from '@crosscheck/storage';

/** Brings an object into a folder of this machine, under the last part of its name. */
export async function localCopy(store: ObjectStore, key: string, dir: string): Promise<string> {
  const file = path.join(dir, path.basename(key));
  const { chunks } = await store.read(key);
  await pipeline(chunks, createWriteStream(file));
  return file;
}
