import { messageOf, type Preprocessing } from '@crosscheck/contract';
import type { LoadedBatch, Loader, Sample } from '@crosscheck/data';
import type { Model, ModelInput } from '@crosscheck/engine';
import { featureShapes, readsSequences } from '@crosscheck/network';
import type { Events } from '../loop/events.ts';
import type { Phase } from '../loop/phases.ts';
import type { FeatureCache, KeptFeatures } from './feature-cache.ts';
import { digestBackbones, digestPosts, featureKey } from './feature-key.ts';
import { type FeatureBatch, type RowShape, readFeatures, rowWidth, writeBatch } from './feature-set.ts';
import { type RowStorage, storeInMemory } from './row-storage.ts';

/** Where the features of a split come from, and where they are kept. */
export interface FeatureRecipe {
  split: string;
  model: Model;
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

/** What the features of a post are as wide as, beside the network. */
export type RowSizes = Pick<Preprocessing, 'imageSize' | 'maxTokens'> & { lengthMultiple: number };

/** How wide the features of a post are: vectors, or those of every region and token where the fusion reads them. */
export function rowShape(
  { architecture }: Pick<Model, 'architecture'>,
  { imageSize, maxTokens, lengthMultiple }: RowSizes,
  views: number,
): RowShape {
  const { image } = featureShapes(architecture, imageSize);
  const vision = image.reduce<number>((product, size) => product * Number(size), 1);
  const tokens = readsSequences(architecture) ? { places: maxTokens, multiple: lengthMultiple } : null;
  return { vision, text: architecture.text.hiddenSize, tokens, views };
}

/**
 * Features of every readable sample of a split: those of an earlier run with the same backbones and posts, else the backbones run once
 * over it.
 *
 * @returns null when told to stop
 */
export async function* prepareFeatures(recipe: FeatureRecipe): Events<KeptFeatures | null> {
  const { split, model, sizes, samples, views, cache, settings, say } = recipe;
  if (cache === null) return yield* computeInMemory(recipe);
  const posts = await digestPosts(samples);
  const key = featureKey({ backbones: digestBackbones(model), posts, views, ...settings });
  const found = cache.find(key, rowShape(model, sizes, views));
  if (found === 'damaged') say(`features of ${split}: ${cache.dir}/${key} is damaged; they are computed again`);
  else if (found !== null) {
    say(`features of ${split}: kept by an earlier run in ${cache.dir}`);
    return found;
  }
  return yield* computeOnDisk(recipe, cache, key);
}

async function* computeInMemory(recipe: FeatureRecipe): Events<KeptFeatures | null> {
  const shape = rowShape(recipe.model, recipe.sizes, recipe.views);
  const storage = storeInMemory(recipe.samples.length, rowWidth(shape));
  const rows = yield* computeFeatures(recipe, shape, storage);
  return rows === null ? null : { features: readFeatures(storage, shape, rows), close: () => {} };
}

async function* computeOnDisk(recipe: FeatureRecipe, cache: FeatureCache, key: string): Events<KeptFeatures | null> {
  const { split, loader, samples, say } = recipe;
  const shape = rowShape(recipe.model, recipe.sizes, recipe.views);
  let draft: ReturnType<FeatureCache['begin']>;
  try {
    draft = cache.begin(key, shape, samples.length);
  } catch (error) {
    say(
      `features of ${split} are not kept for later runs: ${cache.dir}: ${messageOf(error)}; see training.feature_cache.dir`,
    );
    return yield* computeInMemory(recipe);
  }
  let rows: number | null = null;
  try {
    rows = yield* computeFeatures(recipe, shape, draft.storage);
  } finally {
    if (rows === null) draft.discard();
  }
  // Another run must be told of unreadable pictures, too.
  return rows === null ? null : draft.finish(rows, loader.problems.length === 0);
}

/** Runs the backbones over every view of a split. @returns the number of readable samples, null when told to stop */
async function* computeFeatures(
  { model, phase, loader, views }: FeatureRecipe,
  shape: RowShape,
  storage: RowStorage,
): Events<number | null> {
  const total = loader.batchesPerEpoch * views;
  let [rows, done] = [0, 0];
  for (let view = 0; view < views; view++) {
    rows = 0;
    for await (const batch of loader.batches(view)) {
      writeBatch(storage, shape, rows, encodeBatch(model, view === 0 ? batch : withoutWords(batch)), view);
      rows += batch.size;
      const command = yield { kind: 'progress', phase, what: 'features', done: ++done, total };
      if (command === 'stop-run') return null;
    }
  }
  return rows;
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
