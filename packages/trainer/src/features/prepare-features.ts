import { existsSync } from 'node:fs';
import { messageOf } from '@crosscheck/contract';
import { noReadablePicture } from '@crosscheck/data';
import type { Model } from '@crosscheck/engine';
import { featureShapes, readsSequences } from '@crosscheck/network';
import { compare } from '../distributed/require-alike.ts';
import type { Events } from '../loop/events.ts';
import { computeFeatures, type FeatureRecipe, type RowSizes } from './compute-features.ts';
import { type FeatureCache, type FeatureDraft, type KeptFeatures, openDraft } from './feature-cache.ts';
import { digestBackbones, digestPosts, featureKey } from './feature-key.ts';
import { type RowShape, readFeatures, rowWidth } from './feature-set.ts';
import { storeInMemory } from './row-storage.ts';

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
 * @throws CROSSCHECK_DATA_NO_SAMPLES, CROSSCHECK_WORKERS_DIFFER
 */
export async function* prepareFeatures(recipe: FeatureRecipe): Events<KeptFeatures | null> {
  const { cache, workers, split } = recipe;
  if (cache === null) return yield* compute(recipe, inMemory(recipe));
  const key = await keyOf(recipe);
  await compare(workers, { [`the sha256 of what decides the features of ${split}`]: key });
  const found = findIn(cache, key, recipe);
  const areEverywhere = (await workers.gather(found !== null)).every(Boolean);
  if (found && areEverywhere) return found;
  found?.close();
  return yield* compute(recipe, await openPlace(recipe, cache, key));
}

const keyOf = async ({ model, samples, views, settings }: FeatureRecipe) =>
  featureKey({ backbones: digestBackbones(model), posts: await digestPosts(samples), views, ...settings });

const shapeOf = ({ model, sizes, views }: FeatureRecipe) => rowShape(model, sizes, views);

function findIn(cache: FeatureCache, key: string, recipe: FeatureRecipe): KeptFeatures | null {
  const { split, say } = recipe;
  const found = cache.find(key, shapeOf(recipe));
  if (found === 'damaged') say(`features of ${split}: ${cache.dir}/${key} is damaged; they are computed again`);
  else if (found !== null) say(`features of ${split}: kept by an earlier run in ${cache.dir}`);
  return found === 'damaged' ? null : found;
}

/** Where features go while they are computed. */
type Place = Pick<FeatureDraft, 'finish' | 'discard'> & {
  /** Null where another worker writes what this one can read. */
  storage: FeatureDraft['storage'] | null;
  /** Before anybody finishes. */
  flush?: () => void;
  /** Opens what another worker has flushed, before that finishes. */
  follow?: (rows: number) => void;
};

function inMemory(recipe: FeatureRecipe): Place {
  const shape = shapeOf(recipe);
  const storage = storeInMemory(recipe.samples.length, rowWidth(shape));
  const finish = (rows: number) => ({ features: readFeatures(storage, shape, rows), close: () => {} });
  return { storage, finish, discard: () => {} };
}

/** The first worker's file, for all that see it; a file of their own for the others; memory where neither can be. */
async function openPlace(recipe: FeatureRecipe, cache: FeatureCache, key: string): Promise<Place> {
  const { workers } = recipe;
  const first = workers.rank === 0 ? begin(recipe, cache, key) : null;
  const [file = null] = await workers.gather(first && 'file' in first ? first.file : null);
  if (first) return first;
  return file !== null && existsSync(file) ? following(recipe, file) : begin(recipe, cache, key);
}

function begin(recipe: FeatureRecipe, cache: FeatureCache, key: string): FeatureDraft | Place {
  const { split, samples, say } = recipe;
  try {
    return cache.begin(key, shapeOf(recipe), samples.length);
  } catch (error) {
    say(
      `features of ${split} are not kept for later runs: ${cache.dir}: ${messageOf(error)}; see training.feature_cache.dir`,
    );
    return inMemory(recipe);
  }
}

function following(recipe: FeatureRecipe, file: string): Place {
  let kept: KeptFeatures | undefined;
  return {
    storage: null,
    follow: (rows) => (kept = openDraft(file, shapeOf(recipe), rows)),
    finish: () => kept as KeptFeatures,
    discard: () => kept?.close(),
  };
}

async function* compute(recipe: FeatureRecipe, place: Place): Events<KeptFeatures | null> {
  const { loader, workers } = recipe;
  let isKept = false;
  try {
    const rows = yield* computeFeatures(recipe, shapeOf(recipe), place.storage);
    if (rows === null) return null;
    if (rows === 0) throw noReadablePicture(loader.size);
    place.flush?.();
    // Another run must be told of unreadable pictures, too.
    const areWhole = (await workers.gather(loader.problems.length === 0)).every(Boolean);
    place.follow?.(rows);
    await workers.gather(null);
    isKept = true;
    return place.finish(rows, areWhole);
  } finally {
    if (!isKept) place.discard();
  }
}
