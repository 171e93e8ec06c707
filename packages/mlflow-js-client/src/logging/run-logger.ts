import type { ArtifactSource } from '../artifacts/artifact-store.ts';
import { messageOf } from '../errors.ts';
import { sanitizeKey } from '../limits.ts';
import type { LoggedOnnxModel, OnnxModelOptions } from '../models/log-onnx-model.ts';
import type { NewExperiment } from '../rest/experiments.ts';
import type { NewRun } from '../rest/runs.ts';
import type { TrackingStore } from '../stores/tracking-store.ts';
import type { DatasetInput, RunStatus } from '../types.ts';
import { createResender, type Destination, deliver, startRun } from './delivery.ts';
import {
  type BatchRecord,
  countEntries,
  createBatch,
  type LogRecord,
  type OperationRecord,
  type RunTarget,
} from './records.ts';
import { findSpools, Spool } from './spool.ts';
import { sendSpool } from './sync.ts';

export interface RunLoggerOptions {
  store: TrackingStore;
  experiment: NewExperiment;
  /** Name, tags, parent of the run to start. */
  run?: Omit<NewRun, 'experimentId'> | undefined;
  /** Goes on with this run, RUNNING again, in place of starting one. */
  runId?: string | undefined;
  /**
   * Goes on where earlier loggers were cut off: what they left in `spoolFolder` goes first, and into the same run. Without `runId` it
   * is the run that they had begun, if any.
   */
  continues?: boolean | undefined;
  /** Called when the run is there, which may be long after the start. */
  onRun?: ((runId: string) => void) | undefined;
  /** Adds to that run and leaves it as it is: neither set going again nor ended once more. */
  leavesStatus?: boolean | undefined;
  /** Folder for what cannot be sent, e.g. the run's own; see `syncSpool`. */
  spoolFolder: string;
  /** Default 1000. */
  flushIntervalMs?: number | undefined;
  /** Metrics, params and tags held in memory before they go to the spool; default 50,000. */
  maxQueued?: number | undefined;
  /** Wait between attempts to reach a server that went away; default 30,000. */
  probeIntervalMs?: number | undefined;
  /** Hears what went wrong, each message once. Nothing is ever thrown into the caller. */
  onProblem?: ((message: string) => void) | undefined;
}

/** What became of everything that was logged. */
export interface LogSummary {
  /** Null when no server ever answered. */
  runId: string | null;
  /** Whether everything that was accepted has arrived. */
  isComplete: boolean;
  /** The file that `syncSpool` will read; null when nothing is left. */
  spoolPath: string | null;
  /** Metrics, params, tags and operations that the server refused for good. */
  refused: number;
  /** What neither the server nor the disk took. */
  lost: number;
  /** The models that `logOnnxModel` stored. */
  models: LoggedOnnxModel[];
  problems: string[];
}

// Artifacts and the like that wait in memory; more go to the spool.
const MAX_OPERATIONS = 256;

/**
 * Logs a run in the background: calls return at once, never throw, and never wait for the network.
 *
 * Metrics, params and tags leave in batches about every second; artifacts go beside them. When the store fails for longer than its own
 * retries, everything goes to a spool folder, in order, and from there to the server as soon as it answers again, or later by `syncSpool`.
 *
 * @example
 * const logger = new RunLogger({ store, experiment: { name: 'captions' }, spoolFolder: runFolder });
 * logger.logMetrics({ 'train/loss': 0.31 }, step);
 * const summary = await logger.close({ status: 'FINISHED', timeoutMs: 30_000 });
 */
export class RunLogger {
  /** Settles once the server was asked: the id of the run, null when none could be started (what is logged is spooled then). */
  readonly ready: Promise<string | null>;
  readonly #store: TrackingStore;
  readonly #target: RunTarget;
  readonly #leavesStatus: boolean;
  readonly #spoolFolder: string;
  readonly #onRun: (runId: string) => void;
  readonly #spool: Spool;
  readonly #maxQueued: number;
  readonly #probeIntervalMs: number;
  readonly #onProblem: (message: string) => void;
  readonly #problems = new Set<string>();
  readonly #giveUp = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #batch: BatchRecord = createBatch();
  #queued = 0;
  #operations: OperationRecord[] = [];
  #models: LoggedOnnxModel[] = [];
  #refused = 0;
  #lost = 0;
  #nextProbe = 0;
  #isOpen = false;
  #work: Promise<void> | null = null;
  #closing: Promise<LogSummary> | null = null;

  constructor(options: RunLoggerOptions) {
    this.#store = options.store;
    this.#maxQueued = options.maxQueued ?? 50_000;
    this.#probeIntervalMs = options.probeIntervalMs ?? 30_000;
    this.#onProblem = options.onProblem ?? (() => {});
    const run = { ...options.run, startTime: options.run?.startTime ?? Date.now() };
    this.#onRun = options.onRun ?? (() => {});
    this.#spoolFolder = options.spoolFolder;
    this.#target = {
      uri: options.store.uri,
      ...(options.continues === true ? { continues: true } : {}),
      experiment: options.experiment,
      run,
      runId: options.runId ?? null,
    };
    this.#leavesStatus = (options.leavesStatus ?? false) && this.#target.runId !== null;
    this.#spool = new Spool(options.spoolFolder, this.#target);
    this.ready = this.#start();
    this.#timer = setInterval(() => {
      if (this.#work === null) void this.flush();
    }, options.flushIntervalMs ?? 1000).unref();
  }

  get runId(): string | null {
    return this.#target.runId;
  }

  /** Whether the run is known to be there: false while the server is away, or when it has no such run. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Logs one value of one metric. Illegal characters in the key are replaced (see `sanitizeKey`). */
  logMetric(key: string, value: number, step: number = 0, timestamp: number = Date.now()): void {
    this.#add(() => this.#batch.metrics.push({ key: this.#legalKey(key), value, step, timestamp }));
  }

  /** Logs several metrics of one step. */
  logMetrics(values: Readonly<Record<string, number>>, step: number = 0, timestamp: number = Date.now()): void {
    for (const [key, value] of Object.entries(values)) this.logMetric(key, value, step, timestamp);
  }

  logParams(params: Readonly<Record<string, unknown>>): void {
    for (const [key, value] of Object.entries(params))
      this.#add(() => (this.#batch.params[this.#legalKey(key)] = value));
  }

  setTags(tags: Readonly<Record<string, string>>): void {
    for (const [key, value] of Object.entries(tags)) this.#add(() => (this.#batch.tags[key] = value));
  }

  logInputs(datasets: readonly DatasetInput[]): void {
    this.#queue({ kind: 'inputs', datasets: [...datasets] });
  }

  /** Uploads a file (which must stay as it is until `flush`), bytes or text. */
  logArtifact(source: ArtifactSource, artifactPath: string): void {
    if (typeof source === 'string') this.#queue({ kind: 'artifact', file: source, artifactPath });
    else {
      const bytes = source instanceof Uint8Array ? source : Buffer.from(source.text);
      this.#queue({ kind: 'content', bytes, artifactPath });
    }
  }

  /** Uploads every file below a folder. */
  logArtifacts(folder: string, artifactPath: string = ''): void {
    this.#queue({ kind: 'folder', folder, artifactPath });
  }

  /** Stores an ONNX model as a logged model of the run, and registers it when asked; see `logOnnxModel`. */
  logOnnxModel(model: OnnxModelOptions): void {
    this.#queue({ kind: 'model', model });
  }

  /** Sends, or spools, everything logged so far. */
  flush(): Promise<void> {
    const work = (this.#work ?? Promise.resolve()).then(() => this.#drain());
    this.#work = work;
    return work.finally(() => {
      if (this.#work === work) this.#work = null;
    });
  }

  /**
   * Sends what is left, ends the run and stops. After `timeoutMs` (default 30,000) the rest goes to the spool.
   * A second call waits for the first one's result.
   */
  close(options: { status?: RunStatus; timeoutMs?: number } = {}): Promise<LogSummary> {
    this.#closing ??= this.#close(options.status ?? 'FINISHED', options.timeoutMs ?? 30_000);
    return this.#closing;
  }

  async #close(status: RunStatus, timeoutMs: number): Promise<LogSummary> {
    clearInterval(this.#timer);
    const limit = setTimeout(() => this.#giveUp.abort(new Error(`not done within ${timeoutMs} ms`)), timeoutMs);
    const end: OperationRecord = { kind: 'end', status, endTime: Date.now() };
    await this.flush();
    this.#nextProbe = 0;
    if (!this.#leavesStatus) await this.#sendOrSpool(end);
    await this.flush();
    clearTimeout(limit);
    await this.#spool.settle().catch((error: unknown) => this.#report(`cannot sync the spool: ${messageOf(error)}`));
    return {
      runId: this.#target.runId,
      isComplete: !this.#spool.hasUnsent && this.#lost === 0,
      spoolPath: this.#spool.hasUnsent ? this.#spool.path : null,
      refused: this.#refused,
      lost: this.#lost,
      models: [...this.#models],
      problems: [...this.#problems],
    };
  }

  async #start(): Promise<string | null> {
    try {
      await this.#untilGivenUp(this.#openRun());
    } catch (error) {
      this.#nextProbe = Date.now() + this.#probeIntervalMs;
      this.#report(`cannot start an MLflow run: ${messageOf(error)}; what is logged goes to ${this.#spool.folder}`);
    }
    return this.#isOpen ? this.#target.runId : null;
  }

  async #openRun(): Promise<void> {
    if (this.#target.continues === true) await this.#sendEarlier();
    if (this.#leavesStatus) await this.#store.getRun(this.#target.runId as string);
    else this.#target.runId = await startRun(this.#store, this.#target);
    this.#isOpen = true;
    this.#tell(() => this.#onRun(this.#target.runId as string));
  }

  /** What loggers before this one left behind. */
  async #sendEarlier(): Promise<void> {
    const spools = await findSpools(this.#spoolFolder);
    for (const spool of spools.filter((folder) => folder !== this.#spool.folder)) {
      const { runId, kept, refused } = await sendSpool(spool, this.#store);
      if (kept !== undefined) this.#report(kept);
      else this.#target.runId ??= runId;
      for (const { entries, message } of refused) this.#countRefused(entries, message);
    }
  }

  #queue(operation: OperationRecord): void {
    if (this.#isClosed()) return;
    if (this.#operations.length < MAX_OPERATIONS) this.#operations.push(operation);
    else void this.#spoolAway(operation);
  }

  #isClosed(): boolean {
    if (this.#closing !== null) this.#report('something was logged after close, and is not kept');
    return this.#closing !== null;
  }

  #add(push: () => unknown): void {
    if (this.#isClosed()) return;
    push();
    this.#queued += 1;
    if (this.#queued > this.#maxQueued) void this.#spoolAway(this.#takeBatch());
  }

  #takeBatch(): BatchRecord {
    const batch = this.#batch;
    this.#batch = createBatch();
    this.#queued = 0;
    return batch;
  }

  async #drain(): Promise<void> {
    await this.ready;
    if (this.#spool.hasUnsent) await this.#replay();
    const operations = this.#operations;
    this.#operations = [];
    await Promise.all([this.#sendOrSpool(this.#takeBatch()), this.#sendAll(operations)]);
  }

  async #sendAll(operations: readonly OperationRecord[]): Promise<void> {
    for (const operation of operations) await this.#sendOrSpool(operation);
  }

  /** Directly while all is well; behind what is spooled already otherwise, so that order holds. */
  async #sendOrSpool(record: BatchRecord | OperationRecord): Promise<void> {
    if (record.kind === 'batch' && countEntries(record) === 0) return;
    const destination = this.#destination();
    if (destination === null) return this.#spoolAway(this.#target.continues === true ? asRepeated(record) : record);
    if (this.#spool.hasUnsent || this.#giveUp.signal.aborted) return this.#spoolAway(record);
    try {
      await this.#untilGivenUp(deliver(destination, record, { signal: this.#giveUp.signal }));
    } catch (error) {
      this.#nextProbe = Date.now() + this.#probeIntervalMs;
      this.#report(`MLflow is away: ${messageOf(error)}; what is logged goes to ${this.#spool.folder}`);
      await this.#spoolAway(asRepeated(record));
    }
  }

  async #spoolAway(record: LogRecord): Promise<void> {
    try {
      await this.#spool.append(record);
    } catch (error) {
      this.#lost += record.kind === 'batch' ? countEntries(record) : 1;
      this.#report(`cannot write ${this.#spool.path}: ${messageOf(error)}`);
    }
  }

  async #replay(): Promise<void> {
    if (Date.now() < this.#nextProbe || this.#giveUp.signal.aborted) return;
    try {
      await this.#untilGivenUp(this.#replayAll());
    } catch {
      this.#nextProbe = Date.now() + this.#probeIntervalMs;
    }
  }

  async #replayAll(): Promise<void> {
    if (!this.#isOpen) await this.#openRun();
    const send = createResender(this.#destination() as Destination);
    await this.#spool.replay((record) => {
      this.#giveUp.signal.throwIfAborted();
      return send(record, { signal: this.#giveUp.signal });
    });
  }

  /** Not every store can be interrupted; the caller's wait always can. */
  #untilGivenUp<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#giveUp;
    return new Promise((resolve, reject) => {
      const stop = () => reject(signal.reason as Error);
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    });
  }

  #destination(): Destination | null {
    const { runId } = this.#target;
    if (runId === null || !this.#isOpen) return null;
    const onRefused = (entries: number, message: string) => this.#countRefused(entries, message);
    const onTruncated = (keys: readonly string[]) => this.#report(`too long for MLflow, and cut: ${keys.join(', ')}`);
    const onModel = (model: LoggedOnnxModel) => void this.#models.push(model);
    return { store: this.#store, runId, onRefused, onTruncated, onModel };
  }

  #countRefused(entries: number, message: string): void {
    this.#refused += entries;
    this.#report(`MLflow refused ${entries} of what was logged: ${message}`);
  }

  #legalKey(key: string): string {
    const legal = sanitizeKey(key);
    if (legal !== key) this.#report(`"${key}" is logged as "${legal}": MLflow does not take its characters`);
    return legal;
  }

  #report(message: string): void {
    if (this.#problems.has(message) || this.#problems.size >= 100) return;
    this.#problems.add(message);
    this.#tell(() => this.#onProblem(message));
  }

  /** A listener's failure is not training's. */
  #tell(listen: () => void): void {
    try {
      listen();
    } catch {}
  }
}

const asRepeated = (record: LogRecord): LogRecord =>
  record.kind === 'batch' ? { ...record, mayBeThere: true } : record;
