// Sums over the processes of a cluster. Every worker makes the same calls in the same order.
import { CrosscheckError } from '@crosscheck/contract';
import { type Bfloat16Tensor, fromBfloat16 } from './bfloat16.ts';
import { type Cluster, cluster } from './cluster/enter.ts';
import { taskName } from './cluster/server-def.ts';
import { backend, type TensorMetadata } from './kernels.ts';
import type * as tf from './tfjs.ts';

/** What our part of the addon adds to tfjs-node's. */
interface Collectives {
  allReduce?(id: number, workers: number, key: number, hint: string): Promise<TensorMetadata>;
  checkPeer(task: string, limitMs: number): Promise<void>;
  abortCollectives(why: string): void;
  /** Why TensorFlow's server could not be started; empty where it was. */
  clusterProblem: string;
}

const addon = backend.binding as unknown as Collectives;
// Child processes are not this worker.
delete process.env['CROSSCHECK_SERVER_DEF'];

/** NCCL on GPUs, which was never tried on one; a ring over gRPC elsewhere. */
const hint = backend.isUsingGpuDevice ? 'nccl' : 'ring';

/** @throws CROSSCHECK_WORKERS_ADDRESS, CROSSCHECK_TENSORFLOW_NOT_INSTALLED */
function requireCluster(): Cluster {
  const joined = cluster();
  if (joined === null) throw new Error('this process is in no cluster: enterCluster comes before TensorFlow is opened');
  if (addon.allReduce === undefined) {
    throw new CrosscheckError(
      'CROSSCHECK_TENSORFLOW_NOT_INSTALLED',
      'the TensorFlow runtime of this machine was built by an earlier version, which knows no workers; run "pnpm tensorflow:setup"',
    );
  }
  if (addon.clusterProblem === '') return joined;
  throw new CrosscheckError(
    'CROSSCHECK_WORKERS_ADDRESS',
    `worker ${joined.rank} cannot listen on port ${joined.addresses[joined.rank]?.split(':').at(-1)} (${addon.clusterProblem.split('\n')[0]}); ` +
      'end what uses the port, or give this worker another one',
  );
}

/** Makes sure that this process can be reached as the worker that it entered its cluster as. */
export function openCollectives(): Cluster {
  return requireCluster();
}

/**
 * The sum of every worker's tensor, on all of them the same bits. One key stands for one shape and type, may be used again and again, but not
 * twice at once; a tensor of fewer than 16 numbers for each worker would hide from some that another is gone.
 *
 * @throws an Error with TensorFlow's words when a worker is gone or `abortCollectives` was called; after one, every later sum of this process fails
 */
export async function allReduce(x: tf.Tensor, key: number): Promise<tf.Tensor> {
  const [id] = backend.getInputTensorIds([x]) as [number];
  return backend.createOutputTensor(await reduce(id, key));
}

/** The same of bfloat16 numbers, added as such; float32 comes back. */
export async function allReduceBfloat16(x: Bfloat16Tensor, key: number): Promise<tf.Tensor> {
  return fromBfloat16((await reduce(x.id, key)).id);
}

function reduce(id: number, key: number): Promise<TensorMetadata> {
  const { addresses } = requireCluster();
  return (addon.allReduce as NonNullable<Collectives['allReduce']>)(id, addresses.length, key, hint);
}

/** Resolves when that worker's TensorFlow answers, which it does however busy the worker is; rejects when it does not in time. */
export const checkPeer = (rank: number, limitMs: number): Promise<void> =>
  addon.checkPeer(taskName(rank), Math.max(1, Math.round(limitMs)));

/** Ends the sums that run, and all later ones of this process, with an error of these words. */
export const abortCollectives = (why: string): void => addon.abortCollectives(why);
