import { z } from 'zod';
import { fusionNames } from './fusions.ts';

/** One row of EfficientNet's table: expansion, output channels, repeats, first stride, kernel. */
export const mbConvStageSchema = z.strictObject({
  expand: z.int().positive(),
  channels: z.int().positive(),
  repeats: z.int().positive(),
  stride: z.union([z.literal(1), z.literal(2)]),
  kernel: z.union([z.literal(3), z.literal(5)]),
});

/** Table 1 of the paper (Tan and Le 2019), which is EfficientNet-B0: what the others are scaled from. */
export const efficientNetB0: readonly MbConvStage[] = [
  { expand: 1, channels: 16, repeats: 1, stride: 1, kernel: 3 },
  { expand: 6, channels: 24, repeats: 2, stride: 2, kernel: 3 },
  { expand: 6, channels: 40, repeats: 2, stride: 2, kernel: 5 },
  { expand: 6, channels: 80, repeats: 3, stride: 2, kernel: 3 },
  { expand: 6, channels: 112, repeats: 3, stride: 1, kernel: 5 },
  { expand: 6, channels: 192, repeats: 4, stride: 2, kernel: 5 },
  { expand: 6, channels: 320, repeats: 1, stride: 1, kernel: 3 },
];

/** The vision backbones, by name. `packages/network` has their tables. */
export const visionBackbones = [
  'efficientnet_b0',
  'efficientnet_b1',
  'efficientnet_b2',
  'efficientnet_b3',
  'efficientnet_b4',
  'efficientnet_lite0',
  'efficientnet_lite1',
  'efficientnet_lite2',
  'efficientnet_lite3',
  'efficientnet_lite4',
] as const;

/**
 * The numbers that fix the network's topology: everything that is needed to rebuild it from a checkpoint and nothing about training.
 * The default of every field is the full-size network of the design: 72,240,765 parameters.
 */
export const architectureSchema = z.strictObject({
  vision: z
    .strictObject({
      backbone: z.enum(visionBackbones).default('efficientnet_b0'),
      stemChannels: z.int().positive().default(32),
      stages: z
        .array(mbConvStageSchema)
        .min(1)
        .default([...efficientNetB0]),
      headChannels: z.int().positive().default(1280),
      batchNormEpsilon: z.number().positive().default(1e-5),
      activation: z.enum(['silu', 'relu6']).default('silu').describe('after every batch norm but the last of a block'),
      squeezeExcite: z
        .boolean()
        .default(true)
        .describe('whether blocks weigh their channels by what the whole image holds'),
      padding: z
        .enum(['symmetric', 'same'])
        .default('symmetric')
        .describe(
          "symmetric: PyTorch's, (k − 1) / 2 on every side; same: TensorFlow's, which at stride 2 pads the end first",
        ),
    })
    .prefault({}),
  text: z
    .strictObject({
      vocabSize: z.int().positive().default(30522),
      maxPositions: z.int().positive().default(512),
      hiddenSize: z.int().positive().default(768),
      layers: z.int().positive().default(6),
      heads: z.int().positive().default(12),
      feedForwardSize: z.int().positive().default(3072),
      layerNormEpsilon: z.number().positive().default(1e-12),
      pooling: z
        .enum(['cls', 'mean'])
        .default('cls')
        .describe('what of the last layer stands for the text: the state of [CLS], or the mean over its tokens'),
    })
    .prefault({}),
  embeddingDim: z.int().positive().default(512).describe('size of each projected modality'),
  fusionHiddenDim: z.int().positive().default(256).describe('first fusion layer; the second has half of it'),
  fusion: z.enum(fusionNames).default('concat').describe('how both projected modalities become one vector'),
  missingModality: z
    .enum(['none', 'learned'])
    .default('none')
    .describe('learned: one vector each stands for a picture or words that a post lacks'),
});

/** Attention heads of the cross-attention between picture and words; they divide embeddingDim. */
export const fusionHeads = 8;

export type MbConvStage = z.infer<typeof mbConvStageSchema>;
export type VisionBackbone = (typeof visionBackbones)[number];
export type Architecture = z.infer<typeof architectureSchema>;
export type VisionArchitecture = Architecture['vision'];
export type TextArchitecture = Architecture['text'];

/** Published networks by the numbers that tell them apart. */
const publishedVision: Record<VisionBackbone, [title: string, blocks: number, features: number]> = {
  efficientnet_b0: ['EfficientNet-B0', 16, 1280],
  efficientnet_b1: ['EfficientNet-B1', 23, 1280],
  efficientnet_b2: ['EfficientNet-B2', 23, 1408],
  efficientnet_b3: ['EfficientNet-B3', 26, 1536],
  efficientnet_b4: ['EfficientNet-B4', 32, 1792],
  efficientnet_lite0: ['EfficientNet-Lite0', 16, 1280],
  efficientnet_lite1: ['EfficientNet-Lite1', 21, 1280],
  efficientnet_lite2: ['EfficientNet-Lite2', 21, 1280],
  efficientnet_lite3: ['EfficientNet-Lite3', 24, 1280],
  efficientnet_lite4: ['EfficientNet-Lite4', 30, 1280],
};

/** Layers, width, heads, feed-forward width. */
const publishedText: Record<string, string> = {
  '6 768 12 3072': 'DistilBERT',
  '12 768 12 3072': 'BERT-base',
  '6 384 12 1536': 'MiniLM-L6',
  '12 384 12 1536': 'MiniLM-L12',
};

/** Both backbones in words: by their published names where they are those networks, else by their size. */
export function describeBackbones({ vision, text }: Architecture): string {
  const [title, blocks, features] = publishedVision[vision.backbone];
  const ownBlocks = vision.stages.reduce((sum, { repeats }) => sum + repeats, 0);
  const isPublished = ownBlocks === blocks && vision.headChannels === features;
  const { layers, hiddenSize, heads, feedForwardSize } = text;
  return [
    isPublished ? title : `a small EfficientNet (${ownBlocks} blocks, ${vision.headChannels} features)`,
    publishedText[[layers, hiddenSize, heads, feedForwardSize].join(' ')] ??
      `a network like BERT (${layers} layers of ${hiddenSize})`,
  ].join(' and ');
}
