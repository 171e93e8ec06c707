import type { Preprocessing } from '@crosscheck/contract';
import type { LoadedBatch, Loader, Sample } from '@crosscheck/data';
import type { Model, ModelInput } from '@crosscheck/engine';
import { readsSequences } from '@crosscheck/network';
import { inRounds, onePerWorker, ownPart, type Round } from '../distributed/rounds.ts';
import type { Workers } from '../distributed/workers.ts';
import type { Events } from '../loop/events.ts';
import type { Phase } from '../loop/phases.ts';
import type { FeatureCache } from './feature-cache.ts';
import { copyRow, type FeatureBatch, type RowShape, rowWidth, writeBatch } from './feature-set.ts';
import { type RowStorage, storeInMemory } from './row-storage.ts';

/** What the features of a post are as wide as, beside the network. */
export type RowSizes = Pick<Preprocessing, 'imageSize' | 'maxTokens'> & { lengthMultiple: number };

/** Where the features of a split come from, and where they are kept. */
export interface FeatureRecipe {
  split: string;
  model: Model;
  /** Each computes its share, and all get all of them. */
  workers: Workers;
  sizes: RowSizes;
  phase: Phase;
  /** Its samples in the order of the file: a batch's composition moves the last bits of a feature, so a fixed order makes runs equal. */
  loader: Loader;
  samples: readonly Sample[];
  /** Views of every picture: the augmentations of the first epochs, one after the other. */
  views: number;
  /** Null keeps them in memory. */
  cache: FeatureCache | null;
  /** What decides features besides the backbones and the posts. */
  settings: object;
  say: (line: string) => void;
}

/**
 * Runs the backbones over every view of a split, each worker over its share.
 *
 * @param storage null where only this worker's share is asked of it
 * @returns the number of readable samples, null when told to stop
 */
export async function* computeFeatures(
  recipe: FeatureRecipe,
  shape: RowShape,
  storage: RowStorage | null,
): Events<number | null> {
  const { model, phase, loader, views, workers } = recipe;
  const rounds = onePerWorker(workers, loader.batchesPerEpoch);
  let rows = 0;
  for (let view = 0; view < views; view++) {
    rows = 0;
    for await (const round of inRounds(loader.batches(view, 0, ownPart(rounds)), rounds)) {
      const features = round.own.map((batch) => encodeBatch(model, view === 0 ? batch : withoutWords(batch)));
      rows += await keepRound(recipe, { round, features, storage, shape, firstRow: rows, view });
      const done = view * rounds.end + round.end;
      const command = yield { kind: 'progress', phase, what: 'features', done, total: views * rounds.end };
      if (command === 'stop-run') return null;
    }
  }
  return rows;
}

interface Computed {
  round: Round<LoadedBatch>;
  /** Of this worker's batches. */
  features: FeatureBatch[];
  storage: RowStorage | null;
  shape: RowShape;
  firstRow: number;
  view: number;
}

/** Writes what all workers have made of a round. @returns how many rows that was */
async function keepRound(recipe: FeatureRecipe, computed: Computed): Promise<number> {
  const { features, storage, shape, firstRow, view } = computed;
  if (recipe.workers.world > 1) return keepEverybodys(recipe, computed);
  for (const batch of features) writeBatch(storage as RowStorage, shape, firstRow, batch, view);
  return features.reduce((sum, { label }) => sum + label.length, 0);
}

/** A round's rows travel as numbers of which every worker gives its own, and zeros in the places of the others'. */
async function keepEverybodys({ workers, phase }: FeatureRecipe, computed: Computed): Promise<number> {
  const { round, features, storage, shape, firstRow, view } = computed;
  const [oneView, batches, places] = [{ ...shape, views: 1 }, workers.world, workers.world * phase.batchSize];
  const width = rowWidth(oneView);
  const given = new Float32Array(batches + places * width);
  const table = storeInMemory(places, width, given.subarray(batches));
  round.own.forEach(({ position }, i) => {
    const batch = features[i] as FeatureBatch;
    given[position - round.begin] = batch.label.length;
    writeBatch(table, oneView, (position - round.begin) * phase.batchSize, batch);
  });
  const { also } = await workers.sum([], given);
  let row = firstRow;
  for (const [i, count] of also.subarray(0, batches).entries())
    for (let j = 0; j < count; j++, row++) {
      const begin = batches + (i * phase.batchSize + j) * width;
      if (storage) copyRow(storage, shape, row, also.subarray(begin, begin + width), view);
    }
  return row - firstRow;
}

/** What both backbones make of one batch. */
export function encodeBatch(model: Model, batch: ModelInput & Pick<LoadedBatch, 'label'>): FeatureBatch {
  const { label, length, attentionMask, hasImage, hasText } = batch;
  const tokens = readsSequences(model.architecture) ? { length, attentionMask } : {};
  return { ...model.encode(batch), ...tokens, label, ...(hasImage && { hasImage }), ...(hasText && { hasText }) };
}

/** Words do not change from view to view: one token of each text is next to no work. */
function withoutWords(batch: LoadedBatch): LoadedBatch {
  const first = (values: Int32Array) =>
    Int32Array.from({ length: batch.size }, (_, i) => values[i * batch.length] ?? 0);
  return { ...batch, length: 1, inputIds: first(batch.inputIds), attentionMask: first(batch.attentionMask) };
}
