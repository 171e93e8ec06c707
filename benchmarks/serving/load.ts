// Entry of the load generator, a process of its own: `load.ts '{"url":…}'` keeps a number of clients asking and prints what came of it.
import { Client } from './client.ts';
import { type Body, readBodies } from './requests.ts';

export interface LoadOptions {
  /** Of `POST /predict`. */
  url: string;
  /** Folder with posts.json. */
  posts: string;
  /** Each sends its next request when it has the answer to its last. */
  clients: number;
  /** Counted, after `warmUpSeconds` that are not. */
  seconds: number;
  warmUpSeconds: number;
}

export interface LoadResult {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers by status; 0 = no answer. */
  statuses: Record<string, number>;
}

async function generate(options: LoadOptions): Promise<LoadResult> {
  const bodies = readBodies(options.posts);
  const from = performance.now() + 1000 * options.warmUpSeconds;
  const until = from + 1000 * options.seconds;
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  let next = 0;
  const ask = async () => {
    const client = new Client(options.url);
    for (let startedAt = performance.now(); startedAt < until; startedAt = performance.now()) {
      const status = await client.post(bodies[next++ % bodies.length] as Body);
      const endedAt = performance.now();
      if (endedAt < from || endedAt > until) continue;
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === 200) latencies.push(endedAt - startedAt);
      else await new Promise((resolve) => setTimeout(resolve, 50));
    }
    client.close();
  };
  await Promise.all(Array.from({ length: options.clients }, ask));
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => latencies[Math.ceil(q * latencies.length) - 1] ?? Number.NaN;
  return {
    requestsPerSecond: latencies.length / options.seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    statuses,
  };
}

process.stdout.write(JSON.stringify(await generate(JSON.parse(process.argv[2] as string) as LoadOptions)));
