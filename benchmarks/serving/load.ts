// Entry of the load generator, a process of its own: `load.ts '{"url":…}'` keeps a number of clients asking and prints what came of it.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { readPosts } from './posts.ts';

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
  const agent = new Agent({ keepAlive: true, maxSockets: options.clients });
  const from = performance.now() + 1000 * options.warmUpSeconds;
  const until = from + 1000 * options.seconds;
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  let next = 0;
  const client = async () => {
    for (let startedAt = performance.now(); startedAt < until; startedAt = performance.now()) {
      const status = await post(options.url, agent, bodies[next++ % bodies.length] as Body);
      const endedAt = performance.now();
      if (endedAt < from || endedAt > until) continue;
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === 200) latencies.push(endedAt - startedAt);
      else await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await Promise.all(Array.from({ length: options.clients }, client));
  agent.destroy();
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => latencies[Math.ceil(q * latencies.length) - 1] ?? Number.NaN;
  return {
    requestsPerSecond: latencies.length / options.seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    statuses,
  };
}

interface Body {
  bytes: Buffer;
  headers: Record<string, string | number>;
}

const boundary = '----crosscheck-benchmark';

function readBodies(folder: string): Body[] {
  return readPosts(folder).map(({ text, image }, i) => {
    const bytes = Buffer.concat([
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="text"\r\n\r\n${text}\r\n`),
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="${i}.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`,
      ),
      readFileSync(image),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    const headers = { 'Content-Type': `multipart/form-data; boundary=${boundary}`, 'Content-Length': bytes.length };
    return { bytes, headers };
  });
}

function post(url: string, agent: Agent, { bytes, headers }: Body): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
      answer.on('error', () => resolve(0));
    });
    sent.on('error', () => resolve(0));
    sent.end(bytes);
  });
}

process.stdout.write(JSON.stringify(await generate(JSON.parse(process.argv[2] as string) as LoadOptions)));
