import { createRandom } from '@crosscheck/contract';

/** The samples of an epoch in the order of training: fixed by (seed, epoch), or 0, 1, 2, … without shuffling. */
export function epochOrder(count: number, epoch: number, options: { shuffle: boolean; seed: number }): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  return options.shuffle ? createRandom(options.seed, 'shuffle', epoch).shuffle(order) : order;
}

/** Batches in an epoch. */
export function countBatches(count: number, batchSize: number, dropLast: boolean): number {
  return dropLast ? Math.floor(count / batchSize) : Math.ceil(count / batchSize);
}
