import {
  type Architecture,
  architectureSchema,
  type CheckpointMetadata,
  defaultPreprocessing,
  type Preprocessing,
  withoutSecrets,
} from '@crosscheck/contract';
import { type CompleteConfig, textFields, visionFields } from './complete.ts';
import type { TrainConfig } from './index.ts';

/** How the file of posts of a split is read; what `readManifest` takes besides the file. */
export function readingOf({ data }: Pick<TrainConfig, 'data'>, split: 'train' | 'val' | 'test') {
  const imagesDir = data.images_dir ?? data[`images_dir_${split}`];
  return {
    ...(imagesDir === null ? {} : { imagesDir }),
    textColumn: data.text_column,
    imageColumn: data.image_column,
    labelColumn: data.label_column,
    encoding: data.encoding,
    delimiter: data.delimiter,
    labels: data.labels,
    allowOutsideRoot: data.allow_outside_root,
    nRows: data.n_rows,
    onBadSample: data.on_bad_sample,
  };
}

/** The network that `model.*` describes. */
export function architectureOf({ model }: Pick<CompleteConfig, 'model'>): Architecture {
  const { vision, text } = model;
  return architectureSchema.parse({
    vision: { backbone: vision.backbone, ...take(vision, visionFields) },
    text: take(text, textFields),
    embeddingDim: model.embedding_dim,
    fusionHiddenDim: model.fusion_hidden_dim,
    fusion: model.fusion,
    missingModality: model.missing_modality,
  });
}

function take(own: object, fields: Record<string, string>): object {
  const values = new Map(Object.entries(own));
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [field, values.get(key)]));
}

/** How `data.*` turns pictures and words into numbers; texts are never longer than the network has positions. */
export function preprocessingOf({ data, model }: Pick<CompleteConfig, 'data' | 'model'>): Preprocessing {
  const { resize, emptyText } = defaultPreprocessing;
  return {
    imageSize: data.image_size,
    mean: data.mean as Preprocessing['mean'],
    std: data.std as Preprocessing['std'],
    resize,
    maxTokens: Math.min(data.max_length, model.text.max_positions),
    emptyText,
  };
}

/** What a checkpoint that says nothing about itself (the original's `.pth`, a file that PyTorch wrote) is taken to be. */
export function describeForeignCheckpoint(config: CompleteConfig): CheckpointMetadata {
  return {
    formatVersion: 1,
    version: config.training.version,
    createdAt: new Date().toISOString(),
    labels: config.data.label_map,
    preprocessing: preprocessingOf(config),
    architecture: architectureOf(config),
    threshold: 0.5,
    temperature: 1,
    metrics: {},
    tokenizer: null,
    config: withoutSecrets(config),
    configOrigins: {},
    runId: null,
    epoch: null,
    step: null,
  };
}
