import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Post, Prediction } from '@crosscheck/inference';
import type { FastifyBaseLogger, FastifyReply } from 'fastify';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ServeSettings } from '../serve-settings.ts';
import type { ShadowPost, ShadowReport } from './protocol.ts';

const entry = new URL(`../bin/shadow-process${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** A process that ended is started again after this. */
const restartMs = 30_000;

/**
 * A candidate beside the model: a share of the posts is also judged by another artifact, in a process of its own with the lowest priority, after
 * their answers were sent. What it says is counted and goes to nobody. Its failures, and what it has no time for, are counted, too.
 */
export class Shadow {
  readonly #settings: ServeSettings;
  readonly #log: Pick<FastifyBaseLogger, 'info' | 'error'>;
  readonly #metrics: ShadowMetrics;
  /** Sent to the candidate; the answers that clients got. */
  readonly #waiting = new Map<number, Prediction>();
  #child: ChildProcess | null = null;
  #restart: NodeJS.Timeout | undefined;
  #isReady = false;
  #lastId = 0;

  constructor(settings: ServeSettings, log: Pick<FastifyBaseLogger, 'info' | 'error'>, registry: Registry) {
    this.#settings = settings;
    this.#log = log;
    this.#metrics = openMetrics(registry, () => Number(this.#isReady));
    this.#start();
  }

  /** Called with what a client will be told; the candidate hears of it when that has been sent. */
  observe({ raw }: FastifyReply, posts: readonly Post[], predictions: readonly Prediction[]): void {
    for (const [i, { text, image }] of posts.entries()) {
      const prediction = predictions[i];
      if (!prediction || typeof image === 'string' || Math.random() >= this.#settings.shadow.share) continue;
      raw.once('finish', () => this.#send({ text, image }, prediction));
    }
  }

  #send(post: Pick<ShadowPost, 'text' | 'image'>, prediction: Prediction): void {
    if (!this.#isReady || !this.#child?.connected) return this.#metrics.skipped.inc({ reason: 'not ready' });
    if (this.#waiting.size >= this.#settings.shadow.queue_size) return this.#metrics.skipped.inc({ reason: 'busy' });
    const order: ShadowPost = { type: 'post', id: ++this.#lastId, ...post };
    this.#waiting.set(order.id, prediction);
    this.#child.send(order, () => {});
  }

  #start(): void {
    const { shadow, deadline_ms: deadlineMs, max_pixels, max_decoded_bytes, graph_cache: graphCache } = this.#settings;
    const child = fork(fileURLToPath(entry), [], { serialization: 'advanced' });
    this.#child = child;
    child.on('message', (report: ShadowReport) => this.#take(report));
    for (const event of ['exit', 'error'] as const) child.once(event, () => this.#end(child));
    const limits = { maxPixels: max_pixels, maxDecodedBytes: max_decoded_bytes };
    child.send({ type: 'start', artifact: shadow.artifact as string, deadlineMs, graphCache, ...limits }, () => {});
    for (const handle of [child, child.channel]) handle?.unref();
  }

  #take(report: ShadowReport): void {
    if (report.type === 'ready') {
      this.#isReady = true;
      this.#metrics.info.set(report.model, 1);
      this.#log.info({ model: report.model, share: this.#settings.shadow.share }, 'the candidate judges in the shadow');
    } else if (report.type === 'unloadable') {
      this.#log.error(
        { code: report.code, reason: report.message },
        'the candidate cannot be loaded (serve.shadow.artifact)',
      );
      this.#child?.kill('SIGKILL');
    } else this.#compare(report);
  }

  #compare(report: ShadowReport & { type: 'judged' | 'failed' }): void {
    const ours = this.#waiting.get(report.id);
    this.#waiting.delete(report.id);
    if (!ours) return;
    if (report.type === 'failed') return this.#metrics.skipped.inc({ reason: report.code });
    this.#metrics.verdicts.inc({ model: ours.prediction, candidate: report.prediction });
    this.#metrics.difference.observe(Math.abs(report.probabilityFake - ours.probabilityFake));
    this.#metrics.seconds.observe(report.ms / 1000);
  }

  #end(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = null;
    this.#isReady = false;
    this.#metrics.skipped.inc({ reason: 'ended' }, this.#waiting.size);
    this.#waiting.clear();
    this.#restart = setTimeout(() => this.#start(), restartMs).unref();
  }

  close(): void {
    clearTimeout(this.#restart);
    const child = this.#child;
    this.#child = null;
    child?.kill('SIGKILL');
  }
}

type ShadowMetrics = ReturnType<typeof openMetrics>;

function openMetrics(registry: Registry, isReady: () => number) {
  const registers = [registry];
  new Gauge({
    name: 'crosscheck_shadow_ready',
    help: 'Whether the candidate judges',
    registers,
    collect() {
      this.set(isReady());
    },
  });
  return {
    info: new Gauge({
      name: 'crosscheck_shadow_info',
      help: 'The candidate',
      labelNames: ['name', 'version', 'precision'],
      registers,
    }),
    verdicts: new Counter({
      name: 'crosscheck_shadow_verdicts_total',
      help: 'Posts that both have judged, by the verdict of the model and of the candidate',
      labelNames: ['model', 'candidate'],
      registers,
    }),
    difference: new Histogram({
      name: 'crosscheck_shadow_score_difference',
      help: 'Distance of the two probabilities of FAKE',
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.5],
      registers,
    }),
    seconds: new Histogram({
      name: 'crosscheck_shadow_seconds',
      help: 'What the candidate takes for a post, decoding included, at the lowest priority',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    skipped: new Counter({
      name: 'crosscheck_shadow_skipped_total',
      help: 'Posts that the candidate should have judged, and why it did not',
      labelNames: ['reason'],
      registers,
    }),
  };
}
