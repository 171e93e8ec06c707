import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAtMost, reasonOf, request } from '@crosscheck/http-client';
import type { Consumer, EpochMetrics } from '../loop/events.ts';
import type { OpenRun } from '../run/open-run.ts';
import { type Completion, measureCompletion } from './completion.ts';

/** Where the controller of Kubeflow Trainer 2 listens, as it tells every container of a TrainJob. */
export interface StatusServer {
  url: string;
  /** File with its certificate authority; it is replaced while training runs, and so is the token. */
  certificateFile: string | null;
  tokenFile: string | null;
}

export interface ProgressPush extends Consumer {
  /** Sends the last status; a run that came to its end is at 100 %. Waits for it at most a few seconds. */
  close(isDone: boolean): Promise<void>;
}

interface Options {
  completion: Completion;
  say: (line: string) => void;
  /** Shortest time between two requests. @default 5,000, as the controller asks of its clients */
  pauseMs?: number;
  /** Longest wait for an answer. @default 10,000 */
  patienceMs?: number;
}

interface Status {
  progressPercentage: number;
  estimatedRemainingSeconds?: number;
  metrics: { name: string; value: string }[];
  lastUpdatedTime: string;
}

/** What the schema of TrainJob allows. */
const [mostMetrics, longest] = [256, 64];

/** The address that Trainer set in the environment; null outside a TrainJob, or where its feature gate TrainJobStatus is off. */
export function statusServerOf(env: NodeJS.ProcessEnv): StatusServer | null {
  const { KUBEFLOW_TRAINER_SERVER_URL: url } = env;
  if (!url) return null;
  const certificateFile = env['KUBEFLOW_TRAINER_SERVER_CA_CERT'] ?? null;
  return { url, certificateFile, tokenFile: env['KUBEFLOW_TRAINER_SERVER_TOKEN'] ?? null };
}

/** The push of a run that Kubeflow Trainer started; null elsewhere, and for every worker but the first. */
export function openPush(open: Pick<OpenRun, 'workers' | 'phases' | 'config' | 'say'>, env: NodeJS.ProcessEnv) {
  const server = statusServerOf(env);
  if (server === null || open.workers.rank !== 0) return null;
  const completion = measureCompletion(open.phases, open.config.training.num_steps);
  return pushProgress(server, { completion, say: open.say });
}

/**
 * Tells Kubeflow Trainer how far training is: per cent, seconds left, and the newest metrics, in the background and at most every few seconds. Each
 * request carries the whole status, because it takes the place of the last one. Nothing here ends or holds up training; a push that fails is told once.
 */
export function pushProgress(server: StatusServer, options: Options): ProgressPush {
  const { completion, say, pauseMs = 5_000, patienceMs = 10_000 } = options;
  const left = estimateLeft(completion);
  const tell = onChange((reason) => say(`Kubeflow Trainer does not take the progress, training goes on: ${reason}`));
  let metrics: EpochMetrics = {};
  let sending: Promise<void> | null = null;
  let changed = false;
  const closing = new AbortController();

  const send = async (status: Status) => {
    await post(server, status, patienceMs).then(
      () => tell(null),
      (error: unknown) => tell(reasonOf(error)),
    );
  };
  /** Sends what is newest until nothing is new. */
  const drain = async () => {
    while (changed && !closing.signal.aborted) {
      changed = false;
      await send(statusOf(completion.fraction(), left(), metrics));
      await sleep(pauseMs, undefined, { ref: false, signal: closing.signal }).catch(() => {});
    }
    sending = null;
  };
  return {
    on(event) {
      completion.see(event);
      if (event.kind === 'step')
        metrics = { ...metrics, 'train/loss_step': event.loss, 'train/learning_rate': event.learningRate };
      if (event.kind === 'epoch') metrics = { ...metrics, ...event.metrics };
      if (event.kind !== 'step' && event.kind !== 'epoch' && event.kind !== 'phase-start') return;
      changed = true;
      sending ??= drain();
    },
    async close(isDone) {
      closing.abort();
      await sending;
      await send(
        isDone
          ? { ...statusOf(1, 0, metrics), progressPercentage: 100 }
          : statusOf(completion.fraction(), null, metrics),
      );
    },
  };
}

/** Per cent stay below 100 until training has come to its end. */
function statusOf(fraction: number, secondsLeft: number | null, metrics: EpochMetrics): Status {
  const named = Object.entries(metrics).filter(([name]) => name.length > 0 && name.length <= longest);
  return {
    progressPercentage: Math.min(99, Math.floor(100 * fraction)),
    ...(secondsLeft !== null && { estimatedRemainingSeconds: Math.round(secondsLeft) }),
    metrics: named.slice(0, mostMetrics).map(([name, value]) => ({ name, value: String(value) })),
    lastUpdatedTime: new Date().toISOString(),
  };
}

/** Seconds left by the pace of this process; null before there is one. */
function estimateLeft(completion: Completion): () => number | null {
  let start: { at: number; fraction: number } | null = null;
  return () => {
    const fraction = completion.fraction();
    start ??= { at: performance.now(), fraction };
    const done = fraction - start.fraction;
    return done <= 0 ? null : ((performance.now() - start.at) / 1000 / done) * (1 - fraction);
  };
}

async function post(
  { url, certificateFile, tokenFile }: StatusServer,
  status: Status,
  patienceMs: number,
): Promise<void> {
  const [ca, token] = await Promise.all([certificateFile, tokenFile].map(read));
  const answer = await request({
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token.trim()}` }) },
    body: Buffer.from(JSON.stringify({ trainerStatus: status })),
    ...(ca && { ca }),
    silenceMs: patienceMs,
    signal: AbortSignal.timeout(patienceMs),
  });
  const text = (await readAtMost(answer, 1 << 16)).toString();
  if (!answer.ok) throw new Error(`it answered ${answer.status} ${messageOf(text) ?? answer.statusText}`);
}

const read = async (file: string | null) => (file === null ? null : readFile(file, 'utf8'));

/** The message of a Kubernetes Status. */
function messageOf(text: string): string | null {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? null;
  } catch {
    return null;
  }
}

/** Calls with a reason when there is one and it is another than last time. */
function onChange(call: (reason: string) => void): (reason: string | null) => void {
  let last: string | null = null;
  return (reason) => {
    if (reason !== null && reason !== last) call(reason);
    last = reason;
  };
}
