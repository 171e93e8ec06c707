// Entry of a load generator that does not wait for answers: `flood.ts '{"url":…}'` sends so many requests each second and prints a line of
// JSON with what was answered, once each interval.
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Body, post, readBodies } from './requests.ts';

export interface FloodOptions {
  /** Of `POST /predict`. */
  url: string;
  /** Folder with posts.json. */
  posts: string;
  requestsPerSecond: number;
  seconds: number;
  intervalSeconds: number;
}

/** Answers of one interval by status; 0 = no answer. */
export type Answers = Record<string, number>;

async function flood({ url, posts, requestsPerSecond, seconds, intervalSeconds }: FloodOptions): Promise<void> {
  const bodies = readBodies(posts);
  const agent = new Agent({ keepAlive: true });
  let answers: Answers = {};
  const timer = setInterval(() => {
    process.stdout.write(`${JSON.stringify(answers)}\n`);
    answers = {};
  }, 1000 * intervalSeconds);
  const send = async (body: Body) => {
    const status = await post(url, agent, body);
    answers[status] = (answers[status] ?? 0) + 1;
  };
  const startedAt = performance.now();
  for (let sent = 0; sent < requestsPerSecond * seconds; sent++) {
    const due = startedAt + (1000 * sent) / requestsPerSecond;
    if (due > performance.now()) await sleep(due - performance.now());
    void send(bodies[sent % bodies.length] as Body);
  }
  await sleep(1000 * intervalSeconds);
  clearInterval(timer);
}

await flood(JSON.parse(process.argv[2] as string) as FloodOptions);
process.exit();
