// EfficientNet (Tan and Le 2019, https://arxiv.org/abs/1905.11946) by name: one table of stages, scaled in width and depth.
// B0–B4 as torchvision builds them (models/efficientnet.py); Lite0–Lite4 as TensorFlow does (tpu/efficientnet/lite): no squeeze-and-excite,
// ReLU6, and a stem, head, first and last stage that are never scaled in width or depth.
import {
  architectureSchema,
  efficientNetB0 as baseline,
  type MbConvStage,
  type Preprocessing,
  type VisionArchitecture,
  type VisionBackbone,
} from '@crosscheck/contract';

/** EfficientNet, and its variant for devices without squeeze-and-excite. */
export type VisionFamily = 'b' | 'lite';

interface Variant {
  family: VisionFamily;
  width: number;
  depth: number;
  /** Pixels per side that it was made for. */
  imageSize: number;
  /** Its weights on the Hub, of ImageNet. */
  weights: string;
}

const variants: Record<VisionBackbone, Variant> = {
  efficientnet_b0: { family: 'b', width: 1.0, depth: 1.0, imageSize: 224, weights: 'timm/efficientnet_b0.ra_in1k' },
  efficientnet_b1: { family: 'b', width: 1.0, depth: 1.1, imageSize: 240, weights: 'timm/efficientnet_b1.ft_in1k' },
  efficientnet_b2: { family: 'b', width: 1.1, depth: 1.2, imageSize: 260, weights: 'timm/efficientnet_b2.ra_in1k' },
  efficientnet_b3: { family: 'b', width: 1.2, depth: 1.4, imageSize: 300, weights: 'timm/efficientnet_b3.ra2_in1k' },
  efficientnet_b4: { family: 'b', width: 1.4, depth: 1.8, imageSize: 380, weights: 'timm/efficientnet_b4.ra2_in1k' },
  efficientnet_lite0: {
    family: 'lite',
    width: 1.0,
    depth: 1.0,
    imageSize: 224,
    weights: 'timm/tf_efficientnet_lite0.in1k',
  },
  efficientnet_lite1: {
    family: 'lite',
    width: 1.0,
    depth: 1.1,
    imageSize: 240,
    weights: 'timm/tf_efficientnet_lite1.in1k',
  },
  efficientnet_lite2: {
    family: 'lite',
    width: 1.1,
    depth: 1.2,
    imageSize: 260,
    weights: 'timm/tf_efficientnet_lite2.in1k',
  },
  efficientnet_lite3: {
    family: 'lite',
    width: 1.2,
    depth: 1.4,
    imageSize: 280,
    weights: 'timm/tf_efficientnet_lite3.in1k',
  },
  efficientnet_lite4: {
    family: 'lite',
    width: 1.4,
    depth: 1.8,
    imageSize: 300,
    weights: 'timm/tf_efficientnet_lite4.in1k',
  },
};

/** How the pixels were scaled that weights were trained on: (x − mean) / std of each RGB channel, x from 0 to 1. */
export type PixelScale = Pick<Preprocessing, 'mean' | 'std'>;

const alike = (value: number): PixelScale['mean'] => [value, value, value];

/** The rules under which EfficientNets have been published. */
export const pixelScales = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  /** (x − 127) / 128 of x from 0 to 255 */
  tensorflowLite: { mean: alike(127 / 255), std: alike(128 / 255) },
  /** (x − 127.5) / 127.5 of x from 0 to 255 */
  half: { mean: alike(0.5), std: alike(0.5) },
} satisfies Record<string, PixelScale>;

/** What a family's blocks are made of, what its ends do when the rest is scaled, and the pixels that its first weights were trained on. */
const families = {
  b: {
    parts: { activation: 'silu', squeezeExcite: true, padding: 'symmetric', batchNormEpsilon: 1e-5 },
    scalesEnds: true,
    pixels: pixelScales.imagenet,
  },
  lite: {
    parts: { activation: 'relu6', squeezeExcite: false, padding: 'same', batchNormEpsilon: 1e-3 },
    scalesEnds: false,
    pixels: pixelScales.tensorflowLite,
  },
} as const satisfies Record<
  VisionFamily,
  { parts: Partial<VisionArchitecture>; scalesEnds: boolean; pixels: PixelScale }
>;

/** To the nearest multiple of 8, but never more than a tenth below. */
function scaleChannels(channels: number, width: number): number {
  const wanted = channels * width;
  const nearest = Math.max(8, Math.floor((wanted + 4) / 8) * 8);
  return nearest < 0.9 * wanted ? nearest + 8 : nearest;
}

/** The table of a backbone: what `model.vision.backbone` stands for. */
export function visionArchitectureOf(backbone: VisionBackbone): VisionArchitecture {
  const { family, width, depth } = variants[backbone];
  const { scalesEnds, parts } = families[family];
  const last = baseline.length - 1;
  const isEnd = (stage: number) => stage === 0 || stage === last;
  const stages = baseline.map((stage, i) => ({
    ...stage,
    channels: scaleChannels(stage.channels, width),
    repeats: isEnd(i) && !scalesEnds ? stage.repeats : Math.ceil(stage.repeats * depth),
  }));
  const ends = scalesEnds
    ? { stemChannels: scaleChannels(32, width), headChannels: 4 * (stages[last] as MbConvStage).channels }
    : { stemChannels: 32, headChannels: 1280 };
  return architectureSchema.shape.vision.parse({ backbone, stages, ...ends, ...parts });
}

/** Pixels per side that a backbone was made for. */
export const imageSizeOf = (backbone: VisionBackbone): number => variants[backbone].imageSize;

export const familyOf = (backbone: VisionBackbone): VisionFamily => variants[backbone].family;

/** How a backbone wants its pixels where nothing more is known of its weights. */
export const pixelScaleOf = (backbone: VisionBackbone): PixelScale => families[familyOf(backbone)].pixels;

/** Hub id of the weights that a backbone was published with: what `model.vision.weights=published` stands for. */
export const publishedWeightsOf = (backbone: VisionBackbone): string => variants[backbone].weights;
