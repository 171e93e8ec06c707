import { preprocessingOf, type TrainConfig } from '@crosscheck/config';
import { type Preprocessing } from '@crosscheck/contract';
import type { Loader } from '@crosscheck/data';
import type { Model } from '@crosscheck/engine';
import { cacheFolder } from '@crosscheck/files';
import { decoderVersion, type Tokenizer } from '@crosscheck/preprocess';
import { describeTensorflow, hasOwnKernels } from '@crosscheck/tensorflow';
import type { Phase } from '../loop/phases.ts';
import { canCacheFeatures } from '../loop/session.ts';
import type { OpenRun } from '../run/open-run.ts';
import type { FeatureRecipe, RowSizes } from './compute-features.ts';
import { openFeatureCache } from './feature-cache.ts';
import { rowWidth } from './feature-set.ts';
import { rowShape } from './prepare-features.ts';

export const sizesOf = ({ data }: Pick<TrainConfig, 'data'>, preprocessing: Preprocessing): RowSizes => ({
  ...preprocessing,
  lengthMultiple: data.length_multiple,
});

/** Views of every training image that are kept: no more than there are epochs to show them, and one without augmentation. */
const viewsOf = ({ config }: Pick<OpenRun, 'config'>, { augment, numEpochs }: Phase): number =>
  augment ? Math.min(config.training.feature_cache.views, numEpochs) : 1;

/** Whether a phase trains on features that are computed once. Says why not, where one might expect it. */
export function decideCaching(open: Pick<OpenRun, 'config' | 'model' | 'manifests' | 'say'>, phase: Phase): boolean {
  const { config, model, manifests, say } = open;
  const { feature_cache: cache, frozen_batch_norm: frozenBatchNorm } = config.training;
  if (!cache.enabled || !canCacheFeatures(phase, frozenBatchNorm, cache.views)) return false;
  const posts = manifests.train.samples.length;
  const bytes =
    posts *
    rowWidth(rowShape(model, sizesOf(config, preprocessingOf(config)), viewsOf(open, phase))) *
    Float32Array.BYTES_PER_ELEMENT;
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
  const { config, model, manifests, tokenizer, workers, say } = open;
  const { training, data } = config;
  const { feature_cache: kept } = training;
  const cache = openFeatureCache(kept.dir ?? cacheFolder('features'), kept.max_bytes);
  const settings = featureSettings(config, {
    model,
    tokenizer,
    preprocessing: preprocessingOf(config),
    batchSize: phase.batchSize,
  });
  const shared = { model, workers, sizes: sizesOf(config, preprocessingOf(config)), phase, cache, say };
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
