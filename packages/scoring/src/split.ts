import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Run } from '@crosscheck/config';
import { print } from '@crosscheck/contract';
import { makeTemporaryFolder } from '@crosscheck/files';
import { type FileRow, isJsonLines, openPosts } from '@crosscheck/posts';
import { type ObjectStore, openStore } from '@crosscheck/storage';
import { stringify } from 'csv-stringify/sync';
import { localCopy } from './local-copy.ts';
import { openingOf } from './receipt.ts';
import type { ScoreConfig } from './schema.ts';

/** Job of `pnpm score:split`: divides a file of posts into shards whose names sort in its order. */
export async function split({ config: { score, data } }: Run<ScoreConfig>): Promise<void> {
  const dir = makeTemporaryFolder('split');
  try {
    const input = score.input.includes('://') ? await fetchInput(score.input, dir) : score.input;
    const { shards, rows } = await splitFile(input, openStore(score.shards), { shardRows: score.shard_rows, data });
    print(`${rows} posts in ${shards} shards: ${score.shards}`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function fetchInput(address: string, dir: string): Promise<string> {
  const slash = address.lastIndexOf('/');
  return localCopy(openStore(address.slice(0, slash)), address.slice(slash + 1), dir);
}

async function splitFile(
  input: string,
  shards: ObjectStore,
  { shardRows, data }: { shardRows: number; data: ScoreConfig['data'] },
): Promise<{ shards: number; rows: number }> {
  const { header, rows: records } = await openPosts(input, openingOf(data));
  const extension = isJsonLines(input) ? path.extname(input) : '.csv';
  let [count, rows] = [0, 0];
  for await (const group of inGroups(records, shardRows)) {
    const name = `posts-${String(count++).padStart(6, '0')}${extension}`;
    await shards.write(name, Buffer.from(isJson(group) ? jsonLines(group) : csv(header, group)));
    rows += group.length;
  }
  return { shards: count, rows };
}

async function* inGroups<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const item of items) {
    if (group.push(item) < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

const isJson = (rows: readonly FileRow[]) => rows[0]?.values !== undefined;
const csv = (header: readonly string[], rows: readonly FileRow[]) =>
  stringify([header, ...rows.map((row) => row.cells)]);
const jsonLines = (rows: readonly FileRow[]) =>
  rows.map(({ raw, values }) => `${raw ?? JSON.stringify(values)}\n`).join('');
