// The three JSON files by which Hugging Face's libraries know a model folder.
import { labelMap, labelNames } from '@crosscheck/contract';
import type { ArtifactContent } from './artifact-content.ts';

/** `config.json` */
export function modelConfig({ architecture, version, threshold, temperature, abstainBand }: ArtifactContent): object {
  const { text } = architecture;
  return {
    model_type: 'crosscheck',
    architectures: ['CrosscheckForMultimodalClassification'],
    version,
    id2label: labelMap,
    label2id: Object.fromEntries(labelNames.map((name, id) => [name, id])),
    num_labels: 1,
    problem_type: 'single_label_classification',
    threshold,
    temperature,
    ...(abstainBand && { abstain_band: [abstainBand.low, abstainBand.high] }),
    vision_config: { model_type: 'efficientnet', ...architecture.vision },
    text_config: {
      model_type: 'distilbert',
      vocab_size: text.vocabSize,
      max_position_embeddings: text.maxPositions,
      dim: text.hiddenSize,
      n_layers: text.layers,
      n_heads: text.heads,
      hidden_dim: text.feedForwardSize,
      layer_norm_eps: text.layerNormEpsilon,
      pooling: text.pooling,
    },
    embedding_dim: architecture.embeddingDim,
    fusion_hidden_dim: architecture.fusionHiddenDim,
    fusion: architecture.fusion,
    missing_modality: architecture.missingModality,
  };
}

/** PIL's number for BILINEAR, which antialiases when it shrinks. */
const pillowBilinear = 2;

/** `preprocessor_config.json` */
export function preprocessorConfig({ preprocessing }: ArtifactContent): object {
  const { imageSize, mean, std } = preprocessing;
  return {
    image_processor_type: 'ViTImageProcessor',
    do_resize: true,
    size: { height: imageSize, width: imageSize },
    resample: pillowBilinear,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
    do_convert_rgb: true,
  };
}

const specialTokens = {
  cls_token: '[CLS]',
  mask_token: '[MASK]',
  pad_token: '[PAD]',
  sep_token: '[SEP]',
  unk_token: '[UNK]',
};

/** `tokenizer_config.json` */
export function tokenizerConfig({ preprocessing }: ArtifactContent): object {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: preprocessing.maxTokens,
    padding_side: 'right',
    truncation_side: 'right',
    ...specialTokens,
  };
}
