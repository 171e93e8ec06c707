import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { cacheFolder, makeOwnFolder } from '@crosscheck/files';
import type { Order, Report } from './protocol.ts';

const entry = new URL(`../bin/server-process${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** Node keeps the code of modules there as it was compiled, which is a quarter of a second of the next start. */
function compileCache(): { NODE_COMPILE_CACHE?: string } {
  if (process.env['NODE_COMPILE_CACHE'] !== undefined) return {};
  const folder = cacheFolder('compiled');
  return canBeTrusted(folder) ? { NODE_COMPILE_CACHE: folder } : {};
}

/** Compiled code is run as it stands: nobody else may have written it. */
function canBeTrusted(folder: string): boolean {
  try {
    return makeOwnFolder(folder);
  } catch {
    return false;
  }
}

/** What becomes of a process: it reports, and it ends. */
export type News = Report | Ending;

type Ending = { type: 'exited'; exitCode: number; how: string };

/** The supervisor's end of a process that answers requests. Processes share one listening socket; the kernel gives a connection to one of them. */
export class ServerProcess {
  readonly #worker: Worker;

  /** @param onNews called for every report, and once when the process has ended, or could not be started */
  constructor(start: Order & { type: 'start' }, onNews: (news: News) => void) {
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({ exec: fileURLToPath(entry), args: [] });
    this.#worker = cluster.fork(start.settings.graph_cache ? compileCache() : {});
    this.#worker.on('message', (report: Report) => onNews(report));
    void this.#ending().then(onNews);
    this.tell(start);
  }

  /** One that is about to end does not hear it. */
  tell(order: Order): void {
    if (this.#worker.isConnected()) this.#worker.send(order, () => {});
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }

  #ending(): Promise<Ending> {
    return new Promise((resolve) => {
      this.#worker.once('exit', (code: number | null, signal: string | null) =>
        resolve({ type: 'exited', exitCode: code ?? 1, how: signal ?? `exit code ${code}` }),
      );
      this.#worker.once('error', ({ message }) => resolve({ type: 'exited', exitCode: 1, how: message }));
    });
  }
}
