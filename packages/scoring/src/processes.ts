import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CrosscheckError, passStopsTo, throwIfStopped } from '@crosscheck/contract';

/** Tells a worker that the process which started it looks at the result. */
export const startedHere = 'SCORE_WORKER_STARTED_HERE';

export interface Processes {
  workers: number;
  /** How often each may be started again. */
  restarts: number;
  /** Further arguments of each. */
  overrides: string[];
  warn: (message: string) => void;
}

/**
 * Does here what an Indexed Job does in a cluster: starts this program once for every index and starts it again when it dies.
 *
 * @throws CROSSCHECK_SCORE_WORKER_FAILED when one fails more often than `restarts`; the others finish first. A signal ends them all
 */
export async function runWorkers({ workers, restarts, overrides, warn }: Processes): Promise<void> {
  const ends = Array.from({ length: workers }, async (_, index) => {
    for (let left = restarts; ; left--) {
      const end = await runOnce(index, overrides);
      if (end === null) return;
      throwIfStopped();
      if (left <= 0) throw failed(index, end);
      warn(`worker ${index} ended with ${end}; starting it again`);
    }
  });
  const failures = (await Promise.allSettled(ends)).filter((end) => end.status === 'rejected');
  if (failures[0]) throw failures[0].reason;
}

/** Null, or how it failed. */
async function runOnce(index: number, overrides: string[]): Promise<string | null> {
  const [script, ...args] = process.argv.slice(1);
  const child = spawn(process.execPath, [...process.execArgv, script as string, ...args, ...overrides], {
    env: { ...process.env, JOB_COMPLETION_INDEX: String(index), [startedHere]: '1' },
    stdio: 'inherit',
  });
  passStopsTo(child);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return code === 0 ? null : (signal ?? `exit code ${code}`);
}

function failed(index: number, end: string): CrosscheckError {
  const message = `worker ${index} ended with ${end} and is not started again; its messages are above. What is finished stays: run the same command again`;
  return new CrosscheckError('CROSSCHECK_SCORE_WORKER_FAILED', message);
}
