import type { TrainConfig } from '@crosscheck/config';
import { fromJax, fromPet, fromTorchrun } from '../master-variables.ts';
import {
  type Environment,
  type Launcher,
  type Placement,
  placed,
  startedVariable,
  unusable,
  wholeNumber,
} from './placement.ts';
import { fromTfConfig } from './tf-config.ts';

/** The first that is set holds: torchrun sets its own variables beside those that it was started with. */
const launchers: readonly Launcher[] = [fromTfConfig, fromTorchrun, fromPet, fromJax];

/**
 * Rank and world as a launcher's variables say them, or `training.distributed.hosts` with JOB_COMPLETION_INDEX; null for a process that trains
 * alone or starts the others itself.
 *
 * @throws CROSSCHECK_CONFIG_WORKERS for what cannot be meant
 */
export function findPlacement({ training }: TrainConfig, env: Environment = process.env): Placement | null {
  const { processes, hosts } = training.distributed;
  const placements = launchers.map((launcher) => launcher(env)).filter((found) => found !== null);
  refuseContradiction(placements);
  const placement = placements[0] ?? fromHosts(hosts, env);
  if (placement === null) return null;
  if (processes > 1 && env[startedVariable] === undefined) {
    throw unusable(
      `training.distributed.processes=${processes} starts workers on one machine, but ${placement.source} says that ${placement.world} were started; ` +
        'leave the key out, and start as many with the launcher as there shall be',
    );
  }
  return placement.world === 1 ? null : placement;
}

/** A launcher that starts another one leaves variables of both, of one place; TF_CONFIG stands for itself. */
function refuseContradiction([first, ...others]: Placement[]): void {
  const other = others.find(({ rank, world }) => rank !== first?.rank || world !== first.world);
  if (first?.source !== 'TF_CONFIG' || other === undefined) return;
  throw unusable(
    `TF_CONFIG says that this is worker ${first.rank} of ${first.world}, but by ${other.source} it is worker ${other.rank} of ${other.world}; unset one of them`,
  );
}

/** True for a worker that leaves the run folder to the first one. */
export const isFollower = (config: TrainConfig): boolean => (findPlacement(config)?.rank ?? 0) > 0;

/** @throws CROSSCHECK_CONFIG_WORKERS for a sweep that a launcher starts on every worker */
export function refuseSweepOfWorkers(config: TrainConfig): void {
  const placement = findPlacement(config);
  if (placement === null) return;
  throw unusable(
    `a sweep (-m) starts its jobs from one process, but ${placement.source} says that this is one of ${placement.world} workers; ` +
      'start one launch for each combination, or sweep on one machine with training.distributed.processes',
  );
}

function fromHosts(hosts: readonly string[] | null, env: Environment): Placement | null {
  if (hosts === null) return null;
  const text = env['JOB_COMPLETION_INDEX'];
  if (text === undefined) {
    throw unusable(
      'training.distributed.hosts names the workers, but JOB_COMPLETION_INDEX, which says which of them this process is, is not set; ' +
        'start it in an Indexed Job or a JobSet, or set the variable to 0, 1, …',
    );
  }
  return placed('training.distributed.hosts', { addresses: hosts, rank: wholeNumber('JOB_COMPLETION_INDEX', text) });
}
