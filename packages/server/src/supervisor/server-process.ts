import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { CrosscheckError, cacheFolder, type ErrorCode } from '@crosscheck/contract';
import type { Order, Report } from './protocol.ts';

const entry = new URL(`../bin/server-process${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** Node keeps the code of modules there as it was compiled, which is a quarter of a second of the next start. */
function compileCacheFolder(): string {
  return process.env['NODE_COMPILE_CACHE'] ?? cacheFolder('compiled');
}

/** The supervisor's end of a process that answers requests. Processes share one listening socket; the kernel gives a connection to one of them. */
export class ServerProcess {
  /** Rejects with what the process reports, or when it ends before it is ready. */
  readonly ready: Promise<void>;
  /** Exit code; 1 when a signal ended it. */
  readonly exited: Promise<number>;
  readonly #worker: Worker;

  constructor(start: Order & { type: 'start' }) {
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({ exec: fileURLToPath(entry), args: [] });
    this.#worker = cluster.fork(start.settings.graph_cache ? { NODE_COMPILE_CACHE: compileCacheFolder() } : {});
    this.exited = new Promise((resolve) => this.#worker.once('exit', (code) => resolve(code ?? 1)));
    this.ready = this.#whenReady();
    this.ready.catch(() => {});
    this.tell(start);
  }

  tell(order: Order): void {
    if (this.#worker.isConnected()) this.#worker.send(order);
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }

  #whenReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#worker.on('message', (report: Report) => {
        if (report.type === 'ready') resolve();
        else reject(new CrosscheckError(report.code as ErrorCode, report.message));
      });
      this.#worker.once('exit', (code, signal: string | null) => {
        const message = `the process that should answer requests ended before it was ready (${signal ?? `exit code ${code}`}); often too little memory`;
        reject(new CrosscheckError('CROSSCHECK_SERVER_PROCESS_ENDED', message));
      });
    });
  }
}
