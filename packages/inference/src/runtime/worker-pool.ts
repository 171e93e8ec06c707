import { SHARE_ENV, Worker } from 'node:worker_threads';
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import { forbidTelemetry } from './onnx-session.ts';
import type { BatchResult, EncodedBatch, WorkerOptions, WorkerReply, WorkerRequest } from './protocol.ts';

/** Worker threads with one onnxruntime session each. A thread that dies is replaced once. */
export interface WorkerPool {
  /** Threads that can take a batch now. */
  idle(): number;
  /** Threads that are alive. */
  alive(): number;
  /** Whether a thread took up a graph that an earlier start kept. */
  hasKeptGraph(): boolean;
  /** Runs a batch on an idle thread; there must be one. Its buffers are transferred. */
  run(batch: EncodedBatch): Promise<BatchResult>;
  /** Ends the threads; batches must have finished. */
  close(): Promise<void>;
}

export interface PoolOptions extends WorkerOptions {
  workers: number;
  /** Called when a thread becomes idle or dies, so that waiting work can be placed. */
  onChange(): void;
  /** Entry of the threads; the default is this package's session worker. */
  workerFile?: URL;
}

interface Task {
  resolve(result: BatchResult): void;
  reject(error: CrosscheckError): void;
}

interface Slot {
  worker: Worker;
  state: 'idle' | 'busy' | 'starting' | 'closing' | 'dead';
  task: Task | null;
  isReplacement: boolean;
  isGraphKept: boolean;
}

const sessionWorkerFile = new URL(
  `./session-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);

/**
 * Starts all threads and waits until each has loaded the model and warmed up.
 *
 * @throws CROSSCHECK_INFERENCE_MODEL_UNLOADABLE, CROSSCHECK_ARTIFACT_MISMATCH
 */
export async function openWorkerPool(options: PoolOptions): Promise<WorkerPool> {
  forbidTelemetry();
  const slots: Slot[] = [];
  const started = await Promise.allSettled(
    Array.from({ length: options.workers }, () => startSlot(slots, options, false)),
  );
  const failure = started.find((result) => result.status === 'rejected');
  const pool = poolOf(slots);
  if (failure) {
    await pool.close();
    throw failure.reason;
  }
  return pool;
}

function poolOf(slots: Slot[]): WorkerPool {
  const count = (...states: Slot['state'][]) => slots.filter((slot) => states.includes(slot.state)).length;
  return {
    idle: () => count('idle'),
    alive: () => count('idle', 'busy', 'starting'),
    hasKeptGraph: () => slots.some(({ isGraphKept }) => isGraphKept),
    run(batch) {
      const slot = slots.find(({ state }) => state === 'idle');
      if (!slot) throw new Error('no idle worker');
      return runOn(slot, batch);
    },
    close: async () => void (await Promise.all(slots.map(closeSlot))),
  };
}

function startSlot(slots: Slot[], options: PoolOptions, isReplacement: boolean): Promise<void> {
  const { modelFile, threads, preprocessing, maxBatch, graphCache } = options;
  const workerData: WorkerOptions = { modelFile, threads, preprocessing, maxBatch, graphCache };
  const worker = new Worker(options.workerFile ?? sessionWorkerFile, { workerData, env: SHARE_ENV });
  const slot: Slot = { worker, state: 'starting', task: null, isReplacement, isGraphKept: false };
  slots.push(slot);
  return new Promise((resolve, reject) => {
    slot.worker.on('message', (reply: WorkerReply) => {
      if (reply.type === 'unloadable') reject(new CrosscheckError(reply.code, reply.message));
      else if (settle(slot, reply)) {
        resolve();
        options.onChange();
      }
    });
    let cause: unknown;
    slot.worker.on('error', (error) => (cause = error));
    slot.worker.on('exit', (code) => {
      const error = crashed(code, cause);
      reject(error);
      bury(slots, slot, error, options);
    });
  });
}

/** Takes a reply of a live thread; afterwards it is idle. */
function settle(slot: Slot, reply: Exclude<WorkerReply, { type: 'unloadable' }>): boolean {
  const { task } = slot;
  if (slot.state !== 'closing') slot.state = 'idle';
  slot.task = null;
  if (reply.type === 'ready') slot.isGraphKept = reply.isGraphKept;
  if (reply.type === 'result') task?.resolve(reply);
  if (reply.type === 'failed') {
    task?.reject(
      new CrosscheckError('CROSSCHECK_INFERENCE_RUN_FAILED', `onnxruntime failed on a batch: ${reply.message}`),
    );
  }
  return true;
}

function bury(slots: Slot[], slot: Slot, error: CrosscheckError, options: PoolOptions): void {
  const wasExpected = slot.state === 'closing';
  const hadStarted = slot.state === 'idle' || slot.state === 'busy';
  slot.state = 'dead';
  slot.task?.reject(error);
  slot.task = null;
  slots.splice(slots.indexOf(slot), 1);
  if (!wasExpected && hadStarted && !slot.isReplacement) startSlot(slots, options, true).catch(() => {});
  options.onChange();
}

function crashed(exitCode: number, cause: unknown): CrosscheckError {
  const reason = cause === undefined ? `exit code ${exitCode}` : messageOf(cause);
  const message = `an inference worker ended unexpectedly (${reason}); often too little memory: use fewer workers (serve or inference settings) or a larger machine`;
  return new CrosscheckError('CROSSCHECK_INFERENCE_WORKER_CRASHED', message, { cause });
}

function runOn(slot: Slot, batch: EncodedBatch): Promise<BatchResult> {
  slot.state = 'busy';
  return new Promise((resolve, reject) => {
    slot.task = { resolve, reject };
    const request: WorkerRequest = { type: 'run', batch };
    slot.worker.postMessage(request, [
      ...batch.pictures.flatMap((picture) => picture?.bytes.buffer ?? []),
      batch.inputIds.buffer,
      batch.attentionMask.buffer,
    ] as ArrayBuffer[]);
  });
}

async function closeSlot(slot: Slot): Promise<void> {
  slot.state = 'closing';
  const ended = new Promise<void>((resolve) => slot.worker.once('exit', () => resolve()));
  const request: WorkerRequest = { type: 'close' };
  slot.worker.postMessage(request);
  const patience = setTimeout(() => void slot.worker.terminate(), 5000);
  await ended;
  clearTimeout(patience);
}
