import { preprocessingOf, type TrainConfig } from '@crosscheck/config';
import { cacheFolder, type Preprocessing } from '@crosscheck/contract';
import type { Loader } from '@crosscheck/data';
import type { Model } from '@crosscheck/engine';
import { readsSequences } from '@crosscheck/network';
import { decoderVersion, type Tokenizer } from '@crosscheck/preprocess';
import { describeTensorflow, hasOwnKernels } from '@crosscheck/tensorflow';
import type { OpenRun } from '../open-run.ts';
import type { Phase } from '../phases.ts';
import { canCacheFeatures } from '../session.ts';
import { openFeatureCache } from './feature-cache.ts';
import { rowWidth } from './feature-set.ts';
import { type FeatureRecipe, rowShape } from './prepare-features.ts';

/** Views of every training picture that are kept: without augmentation there is one. */
const viewsOf = ({ config }: Pick<OpenRun, 'config'>, { augment }: Phase): number =>
  augment ? config.training.feature_cache.views : 1;

/** Whether a phase trains on features that are computed once. Says why not, where one might expect it. */
export function decideCaching(open: Pick<OpenRun, 'config' | 'model' | 'manifests' | 'say'>, phase: Phase): boolean {
  const { config, model, manifests, say } = open;
  const { feature_cache: cache, frozen_batch_norm: frozenBatchNorm } = config.training;
  if (!cache.enabled || !canCacheFeatures(phase, frozenBatchNorm, cache.views)) return false;
  if (readsSequences(model.architecture)) {
    // A quarter of a megabyte per post and more.
    say(
      `phase ${phase.name}: model.fusion=${model.architecture.fusion} looks at regions and tokens, so features are computed in every epoch`,
    );
    return false;
  }
  const posts = manifests.train.samples.length;
  const bytes = posts * rowWidth(rowShape(model, viewsOf(open, phase))) * Float32Array.BYTES_PER_ELEMENT;
  if (bytes <= cache.max_bytes) return true;
  say(
    `phase ${phase.name}: the features of ${posts} posts need ${bytes} bytes, more than training.feature_cache.max_bytes=${cache.max_bytes}, so they are computed in every epoch`,
  );
  return false;
}

/** How the features of both splits are made. */
export function planFeatures(
  open: OpenRun,
  phase: Phase,
  loaders: { train: Loader; validation: Loader },
): { train: FeatureRecipe; validation: FeatureRecipe } {
  const { config, model, manifests, tokenizer, say } = open;
  const { training, data } = config;
  const { feature_cache: kept } = training;
  const cache = openFeatureCache(kept.dir ?? cacheFolder('features'), kept.max_bytes);
  const settings = featureSettings(config, {
    model,
    tokenizer,
    preprocessing: preprocessingOf(config),
    batchSize: phase.batchSize,
  });
  const shared = { model, phase, cache, say };
  const augmentation = phase.augment && { ...data.augmentation, seed: training.seed };
  const recipe = (split: 'train' | 'val', loader: Loader): FeatureRecipe => ({
    ...shared,
    split,
    loader,
    samples: manifests[split].samples,
    views: split === 'train' ? viewsOf(open, phase) : 1,
    settings: { ...settings, augmentation: split === 'train' && augmentation },
  });
  return { train: recipe('train', loaders.train), validation: recipe('val', loaders.validation) };
}

interface FeatureMaker {
  /** The same weights give other features with another padding, epsilon or number of heads. */
  model: Pick<Model, 'architecture'>;
  tokenizer: Tokenizer;
  preprocessing: Preprocessing;
  batchSize: number;
}

/** What decides features besides the weights of the backbones, posts and augmentation. */
export function featureSettings(
  { data, training }: TrainConfig,
  { model, tokenizer, preprocessing, batchSize }: FeatureMaker,
): object {
  const { vision, text } = model.architecture;
  return {
    vision,
    text,
    preprocessing,
    decoderVersion,
    maxPixels: data.max_pixels,
    tokenizer: tokenizer.json,
    lengthMultiple: data.length_multiple,
    batchSize,
    mixedPrecision: training.mixed_precision,
    tensorflow: describeTensorflow(),
    hasOwnKernels,
  };
}
