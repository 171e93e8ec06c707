import type { TrainConfig } from '@crosscheck/config';
import { modalitiesOf } from '@crosscheck/contract';
import { createProgress } from '@crosscheck/curation';
import { createLoader, type Loader, type Sample } from '@crosscheck/data';
import { cacheFolder } from '@crosscheck/files';
import { acceptsPartialPosts, pixelCacheOf } from '../data/run-data.ts';
import { alone } from '../distributed/workers.ts';
import { openFeatureCache } from '../features/feature-cache.ts';
import { type FeatureSet } from '../features/feature-set.ts';
import { featureSettings, sizesOf } from '../features/plan-features.ts';
import { prepareFeatures, rowShape } from '../features/prepare-features.ts';
import { type Phase, resolvePhases } from '../loop/phases.ts';
import type { Backbones } from './backbones.ts';
import type { Matrix } from './components.ts';

/** What the backbones make of N posts. */
export interface PostFeatures {
  /** The posts whose images could be read, in their order. [N] */
  samples: Sample[];
  /** [N, V] */
  image: Matrix;
  /** [N, T] */
  text: Matrix;
  /** [N] */
  labels: Float32Array;
}

/** Features of posts, kept on disk for later runs as those of the frozen phase are. */
export async function readFeatures(
  { model, tokenizer, preprocessing }: Backbones,
  samples: readonly Sample[],
  { config, say }: { config: TrainConfig; say: (line: string) => void },
): Promise<PostFeatures> {
  const { training, data } = config;
  const phase = { ...(resolvePhases(config)[0] as Phase), batchSize: training.batch_size };
  const loader = createLoader({
    samples,
    tokenizer,
    preprocessing,
    batchSize: phase.batchSize,
    shuffle: false,
    seed: training.seed,
    lengthMultiple: data.length_multiple,
    partialPosts: acceptsPartialPosts(modalitiesOf(model.architecture)),
    augmentation: null,
    onBadSample: data.on_bad_sample,
    workers: training.num_workers,
    maxPixels: data.max_pixels,
    pixelCache: pixelCacheOf(config),
  });
  try {
    const cache = training.feature_cache.enabled
      ? openFeatureCache(training.feature_cache.dir ?? cacheFolder('features'), training.feature_cache.max_bytes)
      : null;
    const sizes = sizesOf(config, preprocessing);
    const settings = {
      ...featureSettings(config, { model, tokenizer, preprocessing, batchSize: phase.batchSize }),
      augmentation: false,
    };
    const made = prepareFeatures({
      split: 'train',
      model,
      workers: alone,
      sizes,
      phase,
      loader,
      samples,
      views: 1,
      cache,
      settings,
      say,
    });
    const progress = createProgress('features', loader.batchesPerEpoch);
    let next = await made.next();
    for (; !next.done; next = await made.next()) progress.tick();
    progress.end();
    if (next.value === null) throw new Error('nobody stops this');
    try {
      return collect(next.value.features, readable(samples, loader), rowShape(model, sizes, 1));
    } finally {
      next.value.close();
    }
  } finally {
    await loader.close();
  }
}

/** Unreadable posts have no row among the features. */
function readable(samples: readonly Sample[], { problems }: Loader): Sample[] {
  const unreadable = new Set(problems.map(({ file, line }) => `${file}:${line}`));
  return samples.filter(({ file, line }) => !unreadable.has(`${file}:${line}`));
}

function collect(
  features: FeatureSet,
  samples: Sample[],
  { vision, text }: { vision: number; text: number },
): PostFeatures {
  const rows = Int32Array.from({ length: features.size }, (_, i) => i);
  const matrix = (values: Float32Array, width: number, isThere?: Float32Array): Matrix => {
    // A part that a post lacks says nothing: the mean of all others.
    if (isThere) fillWithMeans(values, width, isThere);
    return { rows: features.size, width, values };
  };
  return {
    samples,
    image: matrix(features.vision(rows), vision, features.hasImage),
    text: matrix(features.text(rows).features, text, features.hasText),
    labels: features.label,
  };
}

function fillWithMeans(values: Float32Array, width: number, isThere: Float32Array): void {
  const there = isThere.reduce((sum, mark) => sum + mark, 0);
  for (let c = 0; c < width; c++) {
    let sum = 0;
    for (const [row, mark] of isThere.entries()) if (mark) sum += values[row * width + c] as number;
    for (const [row, mark] of isThere.entries()) if (!mark) values[row * width + c] = sum / Math.max(1, there);
  }
}
