import path from 'node:path';
import { type CompleteConfig, preprocessingOf, readingOf, type TrainConfig } from '@crosscheck/config';
import { type Modalities, modalitiesOf } from '@crosscheck/contract';
import {
  type Augmentation,
  createLoader,
  type Loader,
  type LoaderOptions,
  type Manifest,
  readManifest,
  readManifestColumns,
} from '@crosscheck/data';
import { cacheFolder } from '@crosscheck/files';
import type { Tokenizer } from '@crosscheck/preprocess';
import { type Division, divideSplit, type SplitRows } from './divide-split.ts';

export type Split = 'train' | 'val' | 'test';

/** The CSV of a split: `data.csv_file` for training and validation when it is set, else `data.<split>_file`, else `<split>.csv` in `data.root_dir`. */
export function manifestPath(config: TrainConfig, split: Split): string {
  const { data } = config;
  return sharedFile(config, split) ?? data[`${split}_file`] ?? path.join(data.root_dir, `${split}.csv`);
}

/** The one CSV that `data.train_split` divides; `/`, as in the original's config, means none. */
function sharedFile({ data }: TrainConfig, split: Split): string | null {
  return split === 'test' || data.csv_file === '/' ? null : data.csv_file;
}

/** The columns of a split's file; those of text, image and label are there. @throws CROSSCHECK_DATA_MISSING_COLUMN */
export function readColumns(config: TrainConfig, split: Split): Promise<string[]> {
  const reading = readingOf(config, sharedFile(config, split) === null ? split : 'train');
  return readManifestColumns({ file: manifestPath(config, split), ...reading });
}

/** Reads one split; with `calibration.holdout`, validation is what is not kept for calibration. */
export async function readSplit(
  config: TrainConfig,
  split: Split,
  modalities: Modalities = modalitiesIn(config),
): Promise<SplitRows> {
  const whole = await readWholeSplit(config, split, modalities);
  const { holdout } = config.calibration;
  return split === 'val' && holdout > 0 ? divideSplit(whole, heldOut(holdout)).rest : whole;
}

/** The posts to calibrate on: those of validation that were kept for it where `calibration.holdout` is set, else all of the split. */
export async function readCalibrationSplit(
  config: TrainConfig,
  modalities: Modalities = modalitiesIn(config),
): Promise<SplitRows> {
  const { split, holdout } = config.calibration;
  const whole = await readWholeSplit(config, split, modalities);
  return split === 'val' && holdout > 0 ? divideSplit(whole, heldOut(holdout)).part : whole;
}

const heldOut = (share: number): Division => ({ key: 'calibration.holdout', share, part: 'kept', rest: 'rest' });

async function readWholeSplit(config: TrainConfig, split: Split, modalities: Modalities): Promise<SplitRows> {
  const { data } = config;
  const isShared = sharedFile(config, split) !== null;
  const manifest = await readManifest({
    file: manifestPath(config, split),
    ...readingOf(config, isShared ? 'train' : split),
    partialPosts: acceptsPartialPosts(modalities),
  });
  const whole = {
    ...manifest,
    rows: { file: manifest.digest, part: data.n_rows < 0 ? [] : [`n_rows=${data.n_rows}`] },
  };
  if (!isShared) return whole;
  const { part, rest } = divideSplit(whole, {
    key: 'data.train_split',
    share: data.train_split,
    part: 'train',
    rest: 'val',
  });
  return split === 'train' ? part : rest;
}

/** What posts may lack, by the config. */
const modalitiesIn = ({ model }: TrainConfig) => modalitiesOf({ missingModality: model.missing_modality });

/** Whether posts may lack a part. */
export const acceptsPartialPosts = ({ image, text }: Modalities): boolean =>
  image === 'optional' || text === 'optional';

export interface LoaderSettings {
  tokenizer: Tokenizer;
  batchSize: number;
  shuffle: boolean;
  /** Every label equally often. */
  balanced?: boolean;
  augment: boolean;
  /** Hears of damaged pictures in the cache, and of a cache that cannot be written. */
  warn?: (line: string) => void;
}

/** Where decoded pictures are kept; null with `data.pixel_cache.enabled=false`. */
export function pixelCacheOf({
  data: { pixel_cache: cache },
}: TrainConfig): NonNullable<LoaderOptions['pixelCache']> | null {
  if (!cache.enabled) return null;
  return { dir: cache.dir ?? cacheFolder('pixels'), maxBytes: cache.max_bytes };
}

function augmentationOf({ data: { augmentation: a } }: TrainConfig): Augmentation {
  return { horizontalFlip: a.horizontal_flip, rotationDegrees: a.rotation_degrees, colorJitter: a.color_jitter };
}

/** Batches of one split. */
export function openLoader(config: CompleteConfig, { samples }: Manifest, settings: LoaderSettings): Loader {
  const { data, training } = config;
  return createLoader({
    samples,
    tokenizer: settings.tokenizer,
    preprocessing: preprocessingOf(config),
    batchSize: settings.batchSize,
    shuffle: settings.shuffle,
    balanced: settings.balanced ?? false,
    seed: training.seed,
    lengthMultiple: data.length_multiple,
    partialPosts: acceptsPartialPosts(modalitiesIn(config)),
    augmentation: settings.augment ? augmentationOf(config) : null,
    onBadSample: data.on_bad_sample,
    workers: training.num_workers,
    maxPixels: data.max_pixels,
    pixelCache: pixelCacheOf(config),
    ...(settings.warn && { warn: settings.warn }),
  });
}
