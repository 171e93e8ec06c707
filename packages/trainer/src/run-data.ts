import path from 'node:path';
import { preprocessingOf, type TrainConfig } from '@crosscheck/config';
import { CrosscheckError, createRandom, type LabelId } from '@crosscheck/contract';
import { type Augmentation, createLoader, type Loader, type Manifest, readManifest } from '@crosscheck/data';
import type { Tokenizer } from '@crosscheck/preprocess';

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

/** Reads the manifest of one split. */
export async function readSplit(config: TrainConfig, split: Split): Promise<Manifest> {
  const { data } = config;
  const isShared = sharedFile(config, split) !== null;
  const imagesDir = data[`images_dir_${isShared ? 'train' : split}`];
  const manifest = await readManifest({
    file: manifestPath(config, split),
    ...(imagesDir === null ? {} : { imagesDir }),
    textColumn: data.text_column,
    imageColumn: data.image_column,
    labelColumn: data.label_column,
    nRows: data.n_rows,
    onBadSample: data.on_bad_sample,
  });
  if (!isShared) return manifest;
  const parts = divide(manifest.samples, data.train_split);
  if (parts.train.length === 0 || parts.val.length === 0) throw tooFewToDivide(config, manifest.samples.length);
  return { ...manifest, samples: parts[split === 'train' ? 'train' : 'val'] };
}

/**
 * Divides samples in two, with the same share of each label, both in the order of the file. The same samples are always divided
 * alike, whatever the seed of the run, so that runs with other seeds are judged on the same posts.
 */
export function divide<T extends { label: LabelId | null }>(
  samples: readonly T[],
  trainShare: number,
): { train: T[]; val: T[] } {
  const chosen = new Set<T>();
  for (const label of [0, 1, null]) {
    const group = createRandom('train_split', String(label)).shuffle(
      samples.filter((sample) => sample.label === label),
    );
    for (const sample of group.slice(0, Math.round(group.length * trainShare))) chosen.add(sample);
  }
  return {
    train: samples.filter((sample) => chosen.has(sample)),
    val: samples.filter((sample) => !chosen.has(sample)),
  };
}

function tooFewToDivide({ data }: TrainConfig, count: number): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_DATA_NO_SAMPLES',
    `${data.csv_file} has ${count} usable rows, too few to be divided by data.train_split=${data.train_split}; add rows, or name separate files`,
  );
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
