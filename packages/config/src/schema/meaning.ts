import {
  type Architecture,
  architectureSchema,
  type CheckpointMetadata,
  defaultPreprocessing,
  type Preprocessing,
  withoutSecrets,
} from '@crosscheck/contract';
import type { TrainConfig } from './index.ts';

/** The network that `model.*` describes. */
export function architectureOf({ model }: Pick<TrainConfig, 'model'>): Architecture {
  const { vision, text } = model;
  return architectureSchema.parse({
    vision: { stemChannels: vision.stem_channels, stages: vision.stages, headChannels: vision.head_channels },
    text: {
      vocabSize: text.vocab_size,
      maxPositions: text.max_positions,
      hiddenSize: text.hidden_size,
      layers: text.layers,
      heads: text.heads,
      feedForwardSize: text.feed_forward_size,
    },
    embeddingDim: model.embedding_dim,
    fusionHiddenDim: model.fusion_hidden_dim,
    fusion: model.fusion,
    missingModality: model.missing_modality,
  });
}

/** How `data.*` turns pictures and words into numbers; texts are never longer than the network has positions. */
export function preprocessingOf({ data, model }: Pick<TrainConfig, 'data' | 'model'>): Preprocessing {
  const maxTokens = Math.min(data.max_length, model.text.max_positions);
  return { ...defaultPreprocessing, imageSize: data.image_size, maxTokens };
}

/** What a checkpoint that says nothing about itself (the original's `.pth`, a file that PyTorch wrote) is taken to be. */
export function describeForeignCheckpoint(config: TrainConfig): CheckpointMetadata {
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
