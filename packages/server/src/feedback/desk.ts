import { CrosscheckError, messageOf } from '@crosscheck/contract';
import type { Post, Prediction } from '@crosscheck/inference';
import type { ObjectStore } from '@crosscheck/storage';
import type { FastifyBaseLogger, FastifyReply } from 'fastify';
import { Counter, type Registry } from 'prom-client';
import type { Service } from '../service.ts';
import { type FeedbackRecord, keyOf, type VerdictRecord } from './records.ts';

/** What the desk sends. */
export interface Feedback {
  requestId: string;
  post: number;
  label: FeedbackRecord['label'];
  note: string | null;
}

export interface DeskOptions {
  store: ObjectStore;
  keepPosts: boolean;
  service: Service;
  log: Pick<FastifyBaseLogger, 'error'>;
  registry: Registry;
}

/** Verdicts that one process remembers, and bytes of the posts that belong to them. */
const remembered = { verdicts: 10_000, postBytes: 64 * 2 ** 20 };
const flushMs = 5000;

interface Remembered {
  verdict: VerdictRecord;
  /** Null unless posts are kept, and for those that are too far back. */
  post: Pick<Post, 'text' | 'image'> | null;
}

/**
 * Writes what was judged, and what a desk says of it, to the operator's store: verdicts every few seconds, several at a time, after their
 * answers; feedback when it comes. Of a post nothing is kept unless posts are.
 */
export class Desk {
  readonly #options: DeskOptions;
  readonly #counts: ReturnType<typeof openMetrics>;
  /** The oldest first. */
  readonly #known = new Map<string, Remembered>();
  #postBytes = 0;
  #unwritten: VerdictRecord[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#counts = openMetrics(options.registry);
    this.#timer = setInterval(() => void this.flush(), flushMs).unref();
  }

  observe({ request, raw }: FastifyReply, posts: readonly Post[], predictions: readonly Prediction[], first = 0): void {
    const { artifact, threshold } = this.#options.service.requireModel();
    const model = { name: artifact.name, version: artifact.version };
    raw.once('finish', () => {
      const time = new Date().toISOString();
      for (const [i, { prediction, probabilityFake }] of predictions.entries()) {
        const about = { request_id: request.id, post: first + i, time, threshold, model };
        this.#remember({ ...about, prediction, probability_fake: probabilityFake }, posts[i] as Post);
      }
    });
  }

  #remember(verdict: VerdictRecord, { text, image }: Post): void {
    this.#unwritten.push(verdict);
    const name = nameOf(verdict.request_id, verdict.post);
    const post = this.#options.keepPosts
      ? { text, image: image === null ? null : Uint8Array.from(image as Uint8Array) }
      : null;
    this.#forget(name);
    this.#known.set(name, { verdict, post });
    this.#postBytes += bytesOf(post);
    for (const [oldest] of this.#known) {
      if (this.#known.size <= remembered.verdicts && this.#postBytes <= remembered.postBytes) break;
      this.#forget(oldest);
    }
  }

  #forget(name: string): void {
    this.#postBytes -= bytesOf(this.#known.get(name)?.post ?? null);
    this.#known.delete(name);
  }

  /**
   * @returns whether the verdict that it is about is known here
   * @throws CROSSCHECK_FEEDBACK_STORE
   */
  async take({ requestId, post, label, note }: Feedback): Promise<boolean> {
    const { verdict = null, post: kept = null } = this.#known.get(nameOf(requestId, post)) ?? {};
    const time = new Date().toISOString();
    const image = kept?.image ? keyOf.image(time, requestId, post) : null;
    const record: FeedbackRecord = {
      request_id: requestId,
      post,
      time,
      label,
      note,
      verdict,
      kept: kept && {
        text: kept.text,
        image,
      },
    };
    await this.#write(async (store) => {
      if (image !== null) await store.write(image, kept?.image as Uint8Array);
      await store.write(keyOf.feedback(time, requestId, post), Buffer.from(`${JSON.stringify(record)}\n`));
    });
    this.#counts.feedback.inc({ label, verdict: verdict?.prediction ?? 'unknown' });
    return verdict !== null;
  }

  async #write(work: (store: ObjectStore) => Promise<void>): Promise<void> {
    try {
      await work(this.#options.store);
    } catch (cause) {
      const message = `what the desk says cannot be kept: ${messageOf(cause)}; try again later`;
      throw new CrosscheckError('CROSSCHECK_FEEDBACK_STORE', message, { cause });
    }
  }

  /** Verdicts that cannot be written now are tried again, as many as are remembered. */
  async flush(): Promise<void> {
    const verdicts = this.#unwritten.splice(0);
    if (verdicts.length === 0) return;
    const lines = verdicts.map((verdict) => `${JSON.stringify(verdict)}\n`);
    try {
      await this.#write(async (store) => {
        await store.write(keyOf.verdicts(verdicts[0]?.time as string), Buffer.from(lines.join('')));
      });
    } catch (error) {
      this.#counts.failures.inc();
      this.#options.log.error({ reason: messageOf(error) }, 'verdicts cannot be kept (serve.feedback.store)');
      this.#unwritten.unshift(...verdicts.slice(-remembered.verdicts));
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }
}

const nameOf = (requestId: string, post: number) => `${requestId} ${post}`;

function bytesOf(post: Remembered['post']): number {
  return post ? 2 * post.text.length + (post.image?.length ?? 0) : 0;
}

function openMetrics(registry: Registry) {
  const registers = [registry];
  return {
    feedback: new Counter({
      name: 'crosscheck_feedback_total',
      help: 'What the desk said, by its label and the verdict that it is about',
      labelNames: ['label', 'verdict'],
      registers,
    }),
    failures: new Counter({
      name: 'crosscheck_feedback_store_failures_total',
      help: 'Times that verdicts could not be written; they are tried again',
      registers,
    }),
  };
}
