import type { tf } from '@crosscheck/tensorflow';

/** What a reduction gives back: the same tensors and the same vector for every worker, bit for bit. */
export interface Reduced {
  tensors: tf.Tensor[];
  also: Float32Array;
}

/** The workers of a run, as one of them sees them. Every worker makes the same calls in the same order. */
export interface Workers {
  /** 0 writes. */
  readonly rank: number;
  readonly world: number;
  /**
   * Sums over all workers, in float32. All give the same shapes in the same order; new tensors come back in it, the caller's stay the caller's.
   * `also` is a vector that is never rounded on its way, such as losses, counts and flags.
   */
  sum(tensors: readonly tf.Tensor[], also?: Float32Array): Promise<Reduced>;
  /** Everybody's value, as JSON, in the order of ranks. */
  gather<T>(value: T): Promise<T[]>;
  close(): Promise<void>;
}

/** One process: gives back what it is given. */
export const alone: Workers = {
  rank: 0,
  world: 1,
  sum: async (tensors, also = new Float32Array(0)) => ({ tensors: tensors.map((tensor) => tensor.clone()), also }),
  gather: async (value) => [value],
  close: async () => {},
};
