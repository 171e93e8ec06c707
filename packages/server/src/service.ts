import { CrosscheckError } from '@crosscheck/contract';
import type { Classifier, ClassifierStats } from '@crosscheck/inference';
import { noHistory, type ReloadHistory } from './supervisor/protocol.ts';

/** A picture that is cheap to decode takes milliseconds. */
const stuckMs = 5000;

/** What stands behind the routes: the model once it has loaded, and whether it may still be asked. */
export class Service {
  /** What became of the processes before this one. */
  history: ReloadHistory = noHistory;
  #classifier: Classifier | null = null;
  #isDraining = false;
  #isRetiring = false;
  #isWindingDown = false;
  #inFlight = 0;
  readonly #waiters: (() => void)[] = [];

  /** A promise is a model that is still loading; the caller deals with its failure. */
  constructor(classifier: Classifier | Promise<Classifier>) {
    if (!(classifier instanceof Promise)) this.#classifier = classifier;
    else void classifier.then((loaded) => (this.#classifier = loaded)).catch(() => {});
  }

  /** False while the model loads. */
  get isLoaded(): boolean {
    return this.#classifier !== null;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Whether a connection ends with its next answer: one that is kept would hold the process. */
  get isLeaving(): boolean {
    return this.#isDraining || this.#isRetiring || this.#isWindingDown;
  }

  /** What the model counts; null while it loads. */
  stats(): ClassifierStats | null {
    return this.#classifier?.stats() ?? null;
  }

  /**
   * The model, also while the service drains: a request that was admitted before keeps its place.
   *
   * @throws CROSSCHECK_SERVER_STARTING, CROSSCHECK_INFERENCE_WORKER_CRASHED when only a new process can help
   */
  requireModel(): Classifier {
    if (!this.#classifier)
      throw new CrosscheckError('CROSSCHECK_SERVER_STARTING', 'Model not initialized; try again in a moment');
    if (this.#classifier.stats().workers > 0) return this.#classifier;
    const message = 'all inference workers have ended; restart the service, with more memory or fewer workers';
    throw new CrosscheckError('CROSSCHECK_INFERENCE_WORKER_CRASHED', message);
  }

  /**
   * The model, for new work.
   *
   * @throws CROSSCHECK_SERVER_DRAINING, and what `requireModel` throws
   */
  requireReady(): Classifier {
    return this.#isDraining ? this.#refuse() : this.requireModel();
  }

  /**
   * The model, for a probe that decides whether new requests come here.
   *
   * @throws CROSSCHECK_SERVER_DRAINING, CROSSCHECK_SERVER_DECODERS_STUCK, and what `requireModel` throws
   */
  requireRoutable(): Classifier {
    const classifier = this.#isWindingDown ? this.#refuse() : this.requireReady();
    const { oldestCheapMs } = classifier.stats().decoding;
    if (oldestCheapMs < stuckMs) return classifier;
    const message = `a picture that is cheap to decode waits for ${Math.round(oldestCheapMs)} ms: the decoders are stuck; they are ended at the deadline (serve.deadline_ms)`;
    throw new CrosscheckError('CROSSCHECK_SERVER_DECODERS_STUCK', message);
  }

  #refuse(): never {
    const message = 'the service is shutting down; send the request to another one';
    throw new CrosscheckError('CROSSCHECK_SERVER_DRAINING', message);
  }

  /** Counts a request until the returned function is called. */
  enter(): () => void {
    this.#inFlight++;
    return () => {
      this.#inFlight--;
      if (this.#inFlight === 0) for (const wake of this.#waiters.splice(0)) wake();
    };
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Another process has the listening socket; what still comes over open connections is answered. */
  retire(): void {
    this.#isRetiring = true;
  }

  /** No new requests should come, but those that do are answered: clients hold connections open and do not ask first. */
  windDown(): void {
    this.#isWindingDown = true;
  }

  /** Takes no new work from now on; resolves when every request has its answer. */
  drain(): Promise<void> {
    this.#isDraining = true;
    return this.#inFlight === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiters.push(resolve));
  }
}
