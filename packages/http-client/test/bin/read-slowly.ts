// Reads 96 answers of a server that closes in every way, slower than they come, and prints what came of each. A process of its own, because what is
// tested is that nothing ends it.
//
//   node --conditions=@crosscheck/source packages/http-client/test/bin/read-slowly.ts [fetch]
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from '../../src/index.ts';
import { endings, startClosingServer } from '../support/closing-server.ts';

const client = process.argv[2] === 'fetch' ? bodyOfFetch : bodyOfOurs;
const sizes = [1_000, 70_000, 150_000, 400_000];
// Before the first chunk is taken, and after each.
const pauses: [number, number][] = [
  [0, 0],
  [20, 4],
  [60, 0],
];

async function bodyOfOurs(url: string): Promise<AsyncIterable<Uint8Array>> {
  return (await request({ url, silenceMs: 10_000 })).chunks;
}

async function bodyOfFetch(url: string): Promise<AsyncIterable<Uint8Array>> {
  return (await fetch(url)).body as unknown as AsyncIterable<Uint8Array>;
}

async function read(url: string, [before, after]: [number, number]): Promise<number> {
  const body = await client(url);
  await sleep(before);
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (after > 0) await sleep(after);
  }
  return size;
}

const server = await startClosingServer();
const cases = Object.keys(endings).flatMap((ending, index) =>
  sizes.flatMap((bytes) => pauses.map((pause) => ({ ending, index, bytes, pause }))),
);
const outcomes = [];
for (const { ending, index, bytes, pause } of cases) {
  const outcome = read(`${server.url}/${index}/${bytes}`, pause).then(
    (received) => ({ received }),
    (error: Error) => ({ error: error.message }),
  );
  outcomes.push({ ending, bytes, ...(await outcome) });
}
server.stop();
console.log(JSON.stringify(outcomes));
