import { createRandom } from '@crosscheck/contract';
import { epochOrder, type Loader, type OrderOptions } from '@crosscheck/data';
import type { TrainingInput } from '@crosscheck/engine';
import { type FeatureSet, selectFeatures } from '../features/feature-set.ts';

/** A training input and its place in the epoch, from 0. */
export type PlacedInput = TrainingInput & { position: number };

/** Where the training steps of a phase get their inputs from: pixels and tokens, or features that were computed once. */
export interface InputSource {
  /** Inputs of one epoch from a batch on; the same for the same (epoch, batch), wherever it is entered. */
  inputs(epoch: number, startBatch: number): AsyncGenerator<PlacedInput>;
}

export function pixelInputs(loader: Loader): InputSource {
  return {
    inputs: (epoch, startBatch) => loader.batches(epoch, startBatch),
  };
}

/** Which view of a sample an epoch shows: all of them in turn, each sample beginning with another one. */
export function viewOf(seed: number, epoch: number, row: number, views: number): number {
  return views === 1 ? 0 : (createRandom(seed, 'view', row).int(views) + epoch) % views;
}

/** Features in the order in which a loader would give their samples. */
export function featureInputs(
  set: () => FeatureSet,
  order: OrderOptions & { batchSize: number; views: number },
): InputSource {
  const { batchSize, seed, views } = order;
  return {
    async *inputs(epoch, startBatch) {
      const features = set();
      const all = epochOrder(features.label, epoch, order);
      for (let position = startBatch; position * batchSize < all.length; position++) {
        const rows = all.subarray(position * batchSize, (position + 1) * batchSize);
        const shown = rows.map((row) => viewOf(seed, epoch, row, views));
        yield { ...selectFeatures(features, { rows, views: shown }), position };
      }
    },
  };
}
