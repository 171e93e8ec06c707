import { freePorts } from '@crosscheck/tensorflow/cluster';
import { type Finished, startEntry } from '@crosscheck/testkit';
import { onTestFinished } from 'vitest';

export interface StartedWorkers {
  addresses: string[];
  /** By rank. */
  started: ReturnType<typeof startEntry>[];
  /** When all have ended, or those of these ranks. */
  ended: (ranks?: readonly number[]) => Promise<Finished[]>;
}

/** What a TFJob's worker is told. */
export const tfConfig = (addresses: readonly string[], index: number): string =>
  JSON.stringify({ cluster: { worker: addresses }, task: { type: 'worker', index } });

export interface WorkersToStart {
  entry: string;
  count: number;
  /** Of one worker. */
  args: (rank: number) => string[];
  env?: Record<string, string>;
  /** Set by the launcher. */
  place?: (addresses: readonly string[], rank: number) => Record<string, string>;
}

/** Starts workers on this machine, the last one first; what is left of them ends with the test. */
export async function startWorkers({ entry, count, args, env, place }: WorkersToStart): Promise<StartedWorkers> {
  const addresses = (await freePorts(count)).map((port) => `127.0.0.1:${port}`);
  const placeOf = place ?? ((all, rank) => ({ TF_CONFIG: tfConfig(all, rank) }));
  const started = Array.from({ length: count }, (_, i) => count - 1 - i)
    .map((rank) => startEntry(entry, args(rank), { env: { ...env, ...placeOf(addresses, rank) } }))
    .reverse();
  onTestFinished(() => {
    for (const { child } of started) child.kill('SIGKILL');
  });
  const ended = (ranks: readonly number[] = started.map((_, rank) => rank)) =>
    Promise.all(ranks.map((rank) => (started[rank] as StartedWorkers['started'][0]).ended));
  return { addresses, started, ended };
}
