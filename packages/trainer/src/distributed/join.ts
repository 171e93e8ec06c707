// Loads nothing of TensorFlow before the process has entered its cluster.
import type { TrainConfig } from '@crosscheck/config';
import { enterCluster } from '@crosscheck/tensorflow/cluster';
import { meetWorkers } from './meet.ts';
import { findPlacement } from './placement/find-placement.ts';
import { awaitNames } from './placement/names.ts';
import type { Placement } from './placement/placement.ts';
import { startWorkers } from './placement/start-workers.ts';
import type { Workers } from './workers.ts';

type Say = (line: string) => void;

/**
 * Finds the others that this process trains with, or starts them, and waits until all are there; one process alone needs nothing. Must come before
 * anything loads TensorFlow.
 *
 * @throws CROSSCHECK_CONFIG_WORKERS, CROSSCHECK_WORKERS_ADDRESS, CROSSCHECK_WORKERS_LOST, CROSSCHECK_COMMAND_INTERRUPTED
 */
export async function joinWorkers(config: TrainConfig, say: Say): Promise<Workers> {
  const placement = findPlacement(config);
  if (placement !== null) return join(placement, config, say);
  const { processes } = config.training.distributed;
  if (processes > 1) return startWorkers(processes, { say, join: (started) => join(started, config, say) });
  return (await import('./workers.ts')).alone;
}

async function join(placement: Placement, { training: { distributed } }: TrainConfig, say: Say): Promise<Workers> {
  const { start_seconds: startSeconds, timeout_seconds: timeoutSeconds, gradient_dtype: gradientDtype } = distributed;
  const { source, rank, world } = placement;
  say(`worker ${rank} of ${world} (${source})`);
  const addresses = placement.addresses ?? (await meetWorkers(placement, startSeconds * 1000));
  await awaitNames(source, addresses, startSeconds * 1000);
  enterCluster({ addresses, rank });
  const { openCollectiveWorkers } = await import('./collective-workers.ts');
  return openCollectiveWorkers({ startSeconds, timeoutSeconds, gradientDtype, say });
}
