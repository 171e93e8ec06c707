import path from 'node:path';
import type { TrainConfig } from '@crosscheck/config';
import { defaultPreprocessing, type Preprocessing } from '@crosscheck/contract';
import { type Augmentation, createLoader, type Loader, type Manifest, readManifest } from '@crosscheck/data';
import type { Tokenizer } from '@crosscheck/preprocess';

export type Split = 'train' | 'val' | 'test';

/** How pictures and words become numbers in this run. */
export function preprocessingOf({ data }: TrainConfig): Preprocessing {
  return { ...defaultPreprocessing, imageSize: data.image_size, maxTokens: data.max_length };
}

/** The CSV of a split: `data.<split>_file`, else `<split>.csv` in `data.root_dir`. */
export function manifestPath({ data }: TrainConfig, split: Split): string {
  return data[`${split}_file`] ?? path.join(data.root_dir, `${split}.csv`);
}

/** Reads the manifest of one split. */
export function readSplit(config: TrainConfig, split: Split): Promise<Manifest> {
  const { data } = config;
  const imagesDir = data[`images_dir_${split}`];
  return readManifest({
    file: manifestPath(config, split),
    ...(imagesDir === null ? {} : { imagesDir }),
    textColumn: data.text_column,
    imageColumn: data.image_column,
    labelColumn: data.label_column,
    nRows: data.n_rows,
    onBadSample: data.on_bad_sample,
  });
}

export interface LoaderSettings {
  tokenizer: Tokenizer;
  batchSize: number;
  shuffle: boolean;
  /** Every label equally often. */
  balanced?: boolean;
  augment: boolean;
}

function augmentationOf({ data: { augmentation: a } }: TrainConfig): Augmentation {
  return { horizontalFlip: a.horizontal_flip, rotationDegrees: a.rotation_degrees, colorJitter: a.color_jitter };
}

/** Batches of one split. */
export function openLoader(config: TrainConfig, { samples }: Manifest, settings: LoaderSettings): Loader {
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
    augmentation: settings.augment ? augmentationOf(config) : null,
    onBadSample: data.on_bad_sample,
    workers: training.num_workers,
    maxPixels: data.max_pixels,
  });
}
