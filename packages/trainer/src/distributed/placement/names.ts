import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CrosscheckError, messageOf, throwIfStopped } from '@crosscheck/contract';
import { splitAddress } from './placement.ts';

/**
 * Waits until the name of every worker resolves: a pod has one when it is made, which may be later.
 *
 * @throws CROSSCHECK_WORKERS_ADDRESS
 */
export async function awaitNames(source: string, addresses: readonly string[], limitMs: number): Promise<void> {
  const hosts = [...new Set(addresses.map((address) => splitAddress(source, address).host))];
  const deadline = Date.now() + limitMs;
  await Promise.all(hosts.map((host) => awaitName(source, host, deadline)));
}

async function awaitName(source: string, host: string, deadline: number): Promise<void> {
  for (;;) {
    throwIfStopped();
    try {
      await lookup(host);
      return;
    } catch (error) {
      if (Date.now() < deadline) await sleep(Math.min(1000, Math.max(1, deadline - Date.now())));
      else {
        throw new CrosscheckError(
          'CROSSCHECK_WORKERS_ADDRESS',
          `${source} names a worker on ${host}, which does not resolve (${messageOf(error)}), tried for training.distributed.start_seconds; correct the name, or see that the other pods exist`,
        );
      }
    }
  }
}
