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
        .default([
          { expand: 1, channels: 16, repeats: 1, stride: 1, kernel: 3 },
          { expand: 6, channels: 24, repeats: 2, stride: 2, kernel: 3 },
          { expand: 6, channels: 40, repeats: 2, stride: 2, kernel: 5 },
          { expand: 6, channels: 80, repeats: 3, stride: 2, kernel: 3 },
          { expand: 6, channels: 112, repeats: 3, stride: 1, kernel: 5 },
          { expand: 6, channels: 192, repeats: 4, stride: 2, kernel: 5 },
          { expand: 6, channels: 320, repeats: 1, stride: 1, kernel: 3 },
        ]),
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

/** Both backbones in words: by their published names where they are those networks, else by their size. */
export function describeBackbones({ vision, text }: Architecture): string {
  const full = architectureSchema.parse({});
  const isFull = <T extends object>(part: T, whole: T, keys: (keyof T)[]) =>
    keys.every((key) => JSON.stringify(part[key]) === JSON.stringify(whole[key]));
  const blocks = vision.stages.reduce((sum, { repeats }) => sum + repeats, 0);
  return [
    isFull(vision, full.vision, ['stemChannels', 'stages', 'headChannels'])
      ? 'EfficientNet-B0'
      : `a small EfficientNet (${blocks} blocks, ${vision.headChannels} features)`,
    isFull(text, full.text, ['layers', 'hiddenSize', 'heads', 'feedForwardSize'])
      ? 'DistilBERT'
      : `a network like DistilBERT (${text.layers} layers of ${text.hiddenSize})`,
  ].join(' and ');
}
