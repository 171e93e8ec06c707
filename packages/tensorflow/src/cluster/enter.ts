import { describeMachine } from '../setup/platform.ts';
import { serverDef } from './server-def.ts';

/** The processes that compute together, and which of them this one is. */
export interface Cluster {
  /** `host:port` of each worker, by rank. */
  addresses: readonly string[];
  rank: number;
}

let entered: Cluster | null = null;

/** The cluster that this process is in; null for one that computes alone. */
export const cluster = (): Cluster | null => entered;

/**
 * Makes this process a worker: its TensorFlow listens on the port of its address as soon as it is opened, so this must come before. The ring over
 * gRPC that CPUs use has neither authentication nor encryption.
 */
export function enterCluster(joined: Cluster): void {
  entered = joined;
  // What TensorFlow says of a worker that is gone comes back as an error, too.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3';
  const definition = serverDef(joined.addresses, joined.rank, { nccl: describeMachine().hasNvidiaDriver });
  process.env['CROSSCHECK_SERVER_DEF'] = Buffer.from(definition).toString('hex');
}
