import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { CrosscheckError, messageOf } from '@crosscheck/contract';
import { type ImageJob, type ImageSettings, type LoadedImages, openImageReader } from './load-images.ts';

/** Something that loads the pictures of a batch, here or in worker threads; the result is the same. */
export interface ImageSource {
  load(job: ImageJob): Promise<LoadedImages>;
  close(): Promise<void>;
}

export type WorkerOrder = { id: number; job: ImageJob } | 'close';
export type WorkerAnswer = { id: number; loaded: LoadedImages } | { id: number; error: string };

/** Loads in `workers` threads, or in the calling thread when that is 0. */
export function openImageSource(settings: ImageSettings, workers: number): ImageSource {
  if (workers === 0) return { load: openImageReader(settings), close: async () => {} };
  const threads = Array.from({ length: workers }, () => openThread(settings));
  return {
    load: (job) =>
      threads.reduce((idlest, thread) => (thread.pending() < idlest.pending() ? thread : idlest)).load(job),
    close: async () => void (await Promise.all(threads.map((thread) => thread.close()))),
  };
}

interface Thread extends ImageSource {
  pending(): number;
}

interface Waiting {
  resolve(loaded: LoadedImages): void;
  reject(error: CrosscheckError): void;
}

function openThread(settings: ImageSettings): Thread {
  const worker = startWorker(settings);
  const waiting = new Map<number, Waiting>();
  let dead: CrosscheckError | null = null;
  let nextId = 0;
  let isClosing = false;
  const settle = (id: number): Waiting | undefined => {
    const entry = waiting.get(id);
    waiting.delete(id);
    // An idle thread must not keep the program alive when its owner forgets to close it; one that is being closed must until it has ended.
    if (waiting.size === 0 && !isClosing) worker.unref();
    return entry;
  };
  const die = (reason: string) => {
    dead ??= new CrosscheckError(
      'CROSSCHECK_DATA_WORKER_DIED',
      `an image worker stopped: ${reason}; set training.num_workers=0 to load without workers`,
    );
    for (const id of waiting.keys()) settle(id)?.reject(dead);
  };
  worker.on('message', (answer: WorkerAnswer) => {
    if ('loaded' in answer) settle(answer.id)?.resolve(answer.loaded);
    else
      settle(answer.id)?.reject(
        new CrosscheckError('CROSSCHECK_DATA_WORKER_DIED', `an image worker failed: ${answer.error}`),
      );
  });
  worker.on('error', (error) => die(messageOf(error)));
  const exited = new Promise<void>((resolve) => worker.on('exit', (code) => resolve(die(`exit code ${code}`))));
  worker.unref();
  return {
    pending: () => waiting.size,
    load: (job) =>
      new Promise((resolve, reject) => {
        if (dead) return reject(dead);
        worker.ref();
        waiting.set(nextId, { resolve, reject });
        worker.postMessage({ id: nextId++, job } satisfies WorkerOrder);
      }),
    close: () => {
      isClosing = true;
      worker.ref();
      worker.postMessage('close' satisfies WorkerOrder);
      return exited;
    },
  };
}

/** The worker runs from the same kind of file as this module: TypeScript source, or the compiled `dist`. */
function startWorker(settings: ImageSettings): Worker {
  const extension = path.extname(import.meta.filename);
  const execArgv = extension === '.ts' ? ['--conditions=@crosscheck/source'] : [];
  return new Worker(new URL(`./image-worker${extension}`, import.meta.url), { workerData: settings, execArgv });
}
