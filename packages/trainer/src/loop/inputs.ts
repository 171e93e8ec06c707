import { createRandom } from '@crosscheck/contract';
import { countSamples, epochOrder, type Loader, type OrderOptions, type Takes } from '@crosscheck/data';
import type { TrainingInput } from '@crosscheck/engine';
import { type FeatureSet, selectFeatures } from '../features/feature-set.ts';

/** A training input and its place in the epoch, from 0. */
export type PlacedInput = TrainingInput & { position: number };

/** Where the training steps of a phase get their inputs from: pixels and tokens, or features that were computed once. */
export interface InputSource {
  /** Batches in an epoch. */
  count(): number;
  /** Inputs of one epoch from a batch on, of the batches that `takes` names; the same for the same (epoch, batch), wherever it is entered. */
  inputs(epoch: number, startBatch: number, takes: Takes): AsyncGenerator<PlacedInput, void, undefined>;
}

export function pixelInputs(loader: Loader): InputSource {
  return {
    count: () => loader.batchesPerEpoch,
    inputs: (epoch, startBatch, takes) => loader.batches(epoch, startBatch, takes),
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
    count: () => Math.ceil(countSamples(set().label, order) / batchSize),
    async *inputs(epoch, startBatch, takes) {
      const features = set();
      const all = epochOrder(features.label, epoch, order);
      for (let position = startBatch; position * batchSize < all.length; position++) {
        if (!takes(position)) continue;
        const rows = all.subarray(position * batchSize, (position + 1) * batchSize);
        const shown = rows.map((row) => viewOf(seed, epoch, row, views));
        yield { ...selectFeatures(features, { rows, views: shown }), position };
      }
    },
  };
}
