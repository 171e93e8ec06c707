// Launchers that tell every worker its rank and where the first one is.
import { type Environment, type Placement, splitAddress, unusable, wholeNumber } from './placement/placement.ts';

/** Values of a launcher's variables; null where none of those that tell it apart is set. */
function read(env: Environment, names: readonly string[], telling: readonly string[]): Record<string, string> | null {
  if (telling.every((name) => env[name] === undefined)) return null;
  const missing = names.filter((name) => env[name] === undefined);
  if (missing.length === 0) return Object.fromEntries(names.map((name) => [name, env[name] as string]));
  throw unusable(`${telling.join(' and ')} say that there are several workers, but ${missing.join(', ')} is not set`);
}

function meet(source: string, place: { rank: number; world: number; host: string; port: number }): Placement {
  const { rank, world, host, port } = place;
  if (world < 1 || rank >= world)
    throw unusable(`${source}: this is worker ${rank} of ${world}; ranks go from 0 to ${world - 1}`);
  return { source, rank, world, addresses: null, master: splitAddress(source, `${host}:${port}`) };
}

/** torchrun, and Kubeflow's PyTorchJob. The store of torchrun's agent may have the port already: the next one is met at. */
export function fromTorchrun(env: Environment): Placement | null {
  const names = ['RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'];
  const others = names.filter((name) => name !== 'WORLD_SIZE' && env[name] !== undefined);
  // Names as common as these say nothing alone, nor of a world of one.
  if (env['WORLD_SIZE'] === undefined || env['WORLD_SIZE'] === '1' || others.length === 0) return null;
  const values = read(env, names, ['WORLD_SIZE', ...others]) ?? {};
  const [rank, world, port] = ['RANK', 'WORLD_SIZE', 'MASTER_PORT'].map((name) =>
    wholeNumber(name, values[name] ?? ''),
  );
  const isTaken = env['TORCHELASTIC_USE_AGENT_STORE'] === 'True';
  return meet('RANK and WORLD_SIZE', {
    rank: rank as number,
    world: world as number,
    host: values['MASTER_ADDR'] ?? '',
    port: (port as number) + (isTaken ? 1 : 0),
  });
}

/** Kubeflow Trainer 2 with its torch runtime: one worker in each node. */
export function fromPet(env: Environment): Placement | null {
  const names = ['PET_NNODES', 'PET_NODE_RANK', 'PET_MASTER_ADDR', 'PET_MASTER_PORT'];
  const values = read(env, names, ['PET_NNODES', 'PET_NODE_RANK']);
  if (values === null) return null;
  const [world = '', rank = '', host = '', port = ''] = names.map((name) => values[name]);
  if (/:/.test(world))
    throw unusable(`PET_NNODES=${world} is a range; the number of workers of a run is fixed: numNodes`);
  const each = env['PET_NPROC_PER_NODE'] ?? '1';
  if (/^\d+$/.test(each) && Number(each) > 1)
    throw unusable(
      `PET_NPROC_PER_NODE=${each}: a pod is one worker here; set numProcPerNode to 1 and numNodes to the number of workers`,
    );
  return meet('PET_NNODES and PET_NODE_RANK', {
    rank: wholeNumber('PET_NODE_RANK', rank),
    world: wholeNumber('PET_NNODES', world),
    host,
    port: wholeNumber('PET_MASTER_PORT', port),
  });
}

/** Kubeflow Trainer 2 with its JAX runtime. */
export function fromJax(env: Environment): Placement | null {
  const names = ['JAX_NUM_PROCESSES', 'JAX_PROCESS_ID', 'JAX_COORDINATOR_ADDRESS'];
  const values = read(env, names, ['JAX_NUM_PROCESSES', 'JAX_PROCESS_ID']);
  if (values === null) return null;
  const [world = '', rank = '', coordinator = ''] = names.map((name) => values[name]);
  return meet('JAX_NUM_PROCESSES and JAX_PROCESS_ID', {
    rank: wholeNumber('JAX_PROCESS_ID', rank),
    world: wholeNumber('JAX_NUM_PROCESSES', world),
    ...splitAddress('JAX_COORDINATOR_ADDRESS', coordinator),
  });
}
