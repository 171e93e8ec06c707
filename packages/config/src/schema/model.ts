import { architectureSchema, fusionHeads, fusionNames, mbConvStageSchema, visionBackbones } from '@crosscheck/contract';
import { z } from 'zod';
import { fileNamePart } from './names.ts';

const full = architectureSchema.parse({ embeddingDim: 512, fusionHiddenDim: 256 });
const vision = architectureSchema.shape.vision.unwrap().shape;
const text = architectureSchema.shape.text.unwrap().shape;
const probability = z.number().min(0).lt(1);
const size = z.int().positive();
/** A number of the network that is the backbone's own while it is null. */
const own = <T extends z.ZodType>(schema: T) => schema.nullable().default(null);

const visionSchema = z.strictObject({
  pretrained: z.boolean().default(true).describe('start from weights; false = random whatever weights says'),
  backbone: z
    .enum(visionBackbones)
    .default('efficientnet_b0')
    .describe('by name: it brings its table, image size, pixel scale, padding and epsilon'),
  weights: z
    .string()
    .nullable()
    .default('published')
    .describe("published = the backbone's own on the Hub; or a .safetensors or .pth file, or a Hub id; null = random"),
  revision: z.string().default('main').describe('branch, tag or commit on the Hub'),
  stochastic_depth: probability.default(0.2).describe('drop rate of the last residual block; earlier ones scale down'),
  batch_norm_momentum: z
    .number()
    .gt(0)
    .max(1)
    .default(0.1)
    .describe("share of a batch in the running statistics (torch's momentum)"),
  stem_channels: own(size).describe("channels after the first convolution; null = the backbone's"),
  stages: own(z.array(mbConvStageSchema).min(1)).describe(
    "EfficientNet's table, one row a stage; null = the backbone's",
  ),
  head_channels: own(size).describe("channels before pooling; null = the backbone's"),
  activation: own(vision.activation.unwrap()).describe(
    "after every batch norm but a block's last; null = the backbone's",
  ),
  squeeze_excite: own(z.boolean()).describe("whether blocks have squeeze-and-excite; null = the backbone's"),
  padding: own(vision.padding.unwrap()).describe(
    "of convolutions: symmetric (PyTorch) or same (TensorFlow); null = as the weights were trained, else the backbone's",
  ),
  batch_norm_epsilon: own(z.number().positive()).describe(
    "added to variances; null = as the weights were trained, else the backbone's",
  ),
});

const textSchema = z.strictObject({
  pretrained_model: z
    .string()
    .min(1)
    .default('distilbert-base-uncased')
    .describe('text backbone: a Hub id, or a folder with config.json of model_type distilbert or bert'),
  weights: z
    .string()
    .nullable()
    .default('distilbert-base-uncased')
    .describe('a .safetensors or .pth file, a folder or a Hub id; null = random'),
  revision: z.string().default('main').describe('branch, tag or commit on the Hub'),
  tokenizer: z
    .string()
    .nullable()
    .default(null)
    .describe('tokenizer.json, vocab.txt, a folder with either, or a Hub id; null = pretrained_model'),
  hidden_size: own(size).describe('width of the encoder; null = as config.json says'),
  layers: own(size).describe('transformer layers; null = as config.json says'),
  heads: own(size).describe('attention heads; divides hidden_size; null = as config.json says'),
  feed_forward_size: own(size).describe('width inside the feed-forward layers; null = as config.json says'),
  vocab_size: own(size).describe('rows of the token embedding; null = as config.json says'),
  max_positions: own(size).describe('longest text that the encoder can take, in tokens; null = as config.json says'),
  layer_norm_epsilon: own(z.number().positive()).describe('added to variances; null = as config.json says, else 1e-12'),
  pooling: own(text.pooling.unwrap()).describe(
    'what stands for the text: cls, the state of [CLS], or mean, over its tokens; null = as model.load_model says, else cls',
  ),
  dropout: probability.default(0.1).describe('dropout inside the encoder'),
  attention_dropout: probability.default(0.1).describe('dropout of attention weights'),
});

const rate = z.number().positive();

const learningRatesSchema = z.strictObject({
  all: rate.default(2e-5).describe('what training.learning_rate is, unless it is set'),
  frozen: rate.default(1e-4).describe('the same of the phase on frozen backbones of experiment=two_phase'),
  finetune: rate.default(5e-5).describe('the same of its second phase'),
});

/** `model.*`: the network, where its weights come from, and what is trained. */
export const modelSchema = z
  .strictObject({
    name: fileNamePart('model.name').default('multimodal').describe('name in runs, checkpoints and their pages'),
    embedding_dim: size.default(full.embeddingDim).describe('width of each projected modality'),
    fusion_hidden_dim: size.default(full.fusionHiddenDim).describe('first fusion layer; the second has half of it'),
    dropout_rate: probability
      .default(0.3)
      .describe('dropout after the first fusion layer; half of it after the second'),
    projection_dropout: probability.default(0.3).describe('dropout in the projection heads'),
    fusion: z
      .enum(fusionNames)
      .default('concat')
      .describe('how both projected modalities become one vector; see docs/fusion.md'),
    missing_modality: z
      .enum(['none', 'learned'])
      .default('none')
      .describe(
        'learned: also judge posts without a picture or without words, by a learned vector in the place of each',
      ),
    load_model: z.boolean().default(false).describe('start from best_model_name instead of the backbones'),
    best_model_name: z
      .string()
      .min(1)
      .default('best_model_1.6.pth')
      .describe('checkpoint to start from: a file in training.checkpoint_dir, or a path'),
    positive_class: z
      .enum(['fake', 'real'])
      .default('fake')
      .describe('what 1 means in a checkpoint that Crosscheck did not write; the original trained with real'),
    freeze_vision: z.boolean().default(false).describe('keep the vision backbone as it is'),
    freeze_text: z.boolean().default(false).describe('keep the text backbone as it is'),
    learning_rates: learningRatesSchema.prefault({}),
    vision: visionSchema.prefault({}),
    text: textSchema.prefault({}),
  })
  .superRefine(({ text, fusion, embedding_dim: width }, context) => {
    if (text.hidden_size !== null && text.heads !== null && text.hidden_size % text.heads !== 0) {
      const message = `text.heads must divide text.hidden_size, got ${text.heads} and ${text.hidden_size}`;
      context.addIssue({ code: 'custom', path: ['text', 'heads'], message });
    }
    if (fusion === 'cross_attention' && width % fusionHeads !== 0) {
      const message = `cross_attention has ${fusionHeads} heads, which must divide embedding_dim, got ${width}`;
      context.addIssue({ code: 'custom', path: ['embedding_dim'], message });
    }
  });
