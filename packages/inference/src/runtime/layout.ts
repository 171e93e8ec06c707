export interface LayoutOptions {
  /** Worker threads with a session each. Default: one per available core, at most 8. */
  workers?: number;
  /** Threads of each session. Default: available cores divided by workers. One worker with all cores answers a lone post fastest. */
  threadsPerWorker?: number;
  /** Posts per batch, at most. More than 4 were not faster, and made the slowest answers slower. */
  maxBatch?: number;
}

export interface Layout {
  workers: number;
  threads: number;
  maxBatch: number;
}

/** Sessions do not share weights, so more than this many would cost more memory than they bring. */
const maxDefaultWorkers = 8;

/** One one-threaded worker per core, unless the caller says otherwise; workers share the cores. */
export function chooseLayout(options: LayoutOptions, cores: number): Layout {
  const workers =
    options.workers ?? Math.min(maxDefaultWorkers, Math.max(1, Math.floor(cores / (options.threadsPerWorker ?? 1))));
  const threads = options.threadsPerWorker ?? Math.max(1, Math.floor(cores / workers));
  return { workers, threads, maxBatch: options.maxBatch ?? 4 };
}
