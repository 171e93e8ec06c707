import { CrosscheckError } from '@crosscheck/contract';
import { padTokenIds } from '@crosscheck/preprocess';
import type { BatchResult, EncodedBatch, Picture } from '../runtime/protocol.ts';
import type { WorkerPool } from '../runtime/worker-pool.ts';
import type { ClassifierStatistics } from '../statistics.ts';
import { pickBatch } from './pick-batch.ts';

/** A post as numbers. */
export interface EncodedPost {
  /** Null for a post without one. */
  picture: Picture<Uint8Array> | null;
  /** A post without words has those of a blank text, which are masked. */
  tokenIds: Int32Array;
  /** @default true */
  hasText?: boolean;
}

/** A file that the workers do not decode; its pixels are needed. */
export class NotDirect extends Error {}

export interface PushOptions {
  signal: AbortSignal;
  /** Called when the post leaves the line for a worker. */
  onTaken: () => void;
}

interface Waiting extends EncodedPost {
  tokens: number;
  enqueuedAt: number;
  onTaken: () => void;
  resolve(logit: number): void;
  reject(error: unknown): void;
}

export interface BatcherOptions {
  padId: number;
  maxBatch: number;
  statistics: ClassifierStatistics;
}

/**
 * Forms batches out of whatever waits when a worker becomes idle: a lone post runs at once, a crowd shares batches. Nothing waits on
 * a timer.
 */
export class MicroBatcher {
  readonly #waiting: Waiting[] = [];
  readonly #options: BatcherOptions;
  #pool: WorkerPool | null = null;
  #running = 0;

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  /** Posts that wait for a worker. */
  get depth(): number {
    return this.#waiting.length;
  }

  /** Batches that are being computed. */
  get running(): number {
    return this.#running;
  }

  /** The pool calls back into `dispatch`, so it is made after the batcher. */
  attach(pool: WorkerPool): void {
    this.#pool = pool;
    this.dispatch();
  }

  /** Waits for a place in a batch and resolves to the post's logit, or rejects with `NotDirect`. An aborted post leaves the line. */
  push(post: EncodedPost, { signal, onTaken }: PushOptions): Promise<number> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        const at = this.#waiting.indexOf(entry);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal.reason);
      };
      const settled = () => signal.removeEventListener('abort', leave);
      const entry: Waiting = {
        ...post,
        onTaken,
        tokens: post.tokenIds.length,
        enqueuedAt: performance.now(),
        resolve: (logit) => (settled(), resolve(logit)),
        reject: (error) => (settled(), reject(error)),
      };
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(entry);
      this.dispatch();
    });
  }

  /** Gives every idle worker a batch while posts wait; they are shared out evenly, so that two workers halve a short line. */
  dispatch(): void {
    const pool = this.#pool;
    if (!pool) return;
    if (pool.alive() === 0) return this.#failAll();
    for (let idle = pool.idle(); idle > 0 && this.#waiting.length > 0; idle = pool.idle()) {
      const share = Math.ceil(this.#waiting.length / idle);
      void this.#run(pool, pickBatch(this.#waiting, Math.min(this.#options.maxBatch, share)));
    }
  }

  async #run(pool: WorkerPool, posts: Waiting[]): Promise<void> {
    const { statistics } = this.#options;
    const startedAt = performance.now();
    for (const post of posts) {
      post.onTaken();
      statistics.queueSeconds.observe((startedAt - post.enqueuedAt) / 1000);
    }
    this.#running++;
    try {
      const { logits, failures, undecoded, decodeMs, inferenceMs }: BatchResult = await pool.run(
        encodeBatch(posts, this.#options),
      );
      statistics.batchSize.observe(posts.length);
      statistics.inferenceSeconds.observe(inferenceMs / 1000);
      for (const ms of decodeMs) statistics.decodeSeconds.observe(ms / 1000);
      for (const { row, code, message } of failures) posts[row]?.reject(new CrosscheckError(code, message));
      for (const row of undecoded) posts[row]?.reject(new NotDirect());
      posts.forEach((post, i) => post.resolve(logits[i] as number)); // of no effect on those that were rejected
    } catch (error) {
      for (const post of posts) post.reject(error);
    } finally {
      this.#running--;
    }
  }

  #failAll(): void {
    const message = 'all inference workers have ended and were replaced once already; restart the process';
    const error = new CrosscheckError('CROSSCHECK_INFERENCE_WORKER_CRASHED', message);
    for (const post of this.#waiting.splice(0)) post.reject(error);
  }
}

/** Packs posts into one batch, padded to its longest text. Pictures are copied: an explanation sends the same one again and again. */
function encodeBatch(posts: EncodedPost[], { padId }: BatcherOptions): EncodedBatch {
  const pictures = posts.map(({ picture }) => picture && { ...picture, bytes: Uint8Array.from(picture.bytes) });
  const padded = padTokenIds(
    posts.map((post) => post.tokenIds),
    padId,
  ); // [B, L]
  posts.forEach(({ hasText = true }, i) => {
    if (!hasText) padded.attentionMask.fill(0, i * padded.length, (i + 1) * padded.length);
  });
  return { size: posts.length, pictures, ...padded };
}
