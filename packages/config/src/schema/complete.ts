// What a config leaves to its backbones: keys that are null are filled with what is known of the weights, then with the backbone's table.
import {
  CrosscheckError,
  type Preprocessing,
  type TextArchitecture,
  type VisionArchitecture,
} from '@crosscheck/contract';
import { imageSizeOf, pixelScaleOf, visionArchitectureOf } from '@crosscheck/network';
import type { TrainConfig } from './index.ts';

/** `model.vision.*` → the number of the network that it stands for. */
export const visionFields = {
  stem_channels: 'stemChannels',
  stages: 'stages',
  head_channels: 'headChannels',
  activation: 'activation',
  squeeze_excite: 'squeezeExcite',
  padding: 'padding',
  batch_norm_epsilon: 'batchNormEpsilon',
} as const satisfies Record<string, keyof VisionArchitecture>;

/** The same of `model.text.*`. */
export const textFields = {
  hidden_size: 'hiddenSize',
  layers: 'layers',
  heads: 'heads',
  feed_forward_size: 'feedForwardSize',
  vocab_size: 'vocabSize',
  max_positions: 'maxPositions',
  layer_norm_epsilon: 'layerNormEpsilon',
  pooling: 'pooling',
} as const satisfies Record<string, keyof TextArchitecture>;

const imageFields = { image_size: 'imageSize', mean: 'mean', std: 'std' } as const;

/** Every key that is left to the backbones while it is null. */
export const backboneKeys: ReadonlySet<string> = new Set([
  ...Object.keys(visionFields).map((key) => `model.vision.${key}`),
  ...Object.keys(textFields).map((key) => `model.text.${key}`),
  ...Object.keys(imageFields).map((key) => `data.${key}`),
]);

/** What is known of the weights that a network starts from. */
export interface BackboneFacts {
  vision?: Partial<VisionArchitecture>;
  text?: Partial<TextArchitecture>;
  pixels?: Partial<Pick<Preprocessing, 'imageSize' | 'mean' | 'std'>>;
}

type Given<T, K extends keyof T> = { [P in K]: NonNullable<T[P]> };
type Model = TrainConfig['model'];

/** A config in which nothing is left to the backbones. */
export type CompleteConfig = TrainConfig & {
  model: {
    vision: Given<Model['vision'], keyof typeof visionFields>;
    text: Given<Model['text'], keyof typeof textFields>;
  };
  data: Given<TrainConfig['data'], keyof typeof imageFields>;
};

/**
 * Fills what is null: a key that is set wins over what is known of the weights, and that over the table of `model.vision.backbone`.
 *
 * @throws CROSSCHECK_BACKBONE_CONFIG_MISSING when a size of the text backbone is neither set nor known
 * @throws CROSSCHECK_CONFIG_VALUE when heads do not divide the width
 */
export function completeConfig(
  config: TrainConfig,
  { vision = {}, text = {}, pixels = {} }: BackboneFacts = {},
): CompleteConfig {
  const { model, data } = config;
  const { backbone } = model.vision;
  const image = { imageSize: imageSizeOf(backbone), ...pixelScaleOf(backbone), ...pixels };
  const whole = {
    ...config,
    model: {
      ...model,
      vision: {
        ...model.vision,
        ...fill(model.vision, visionFields, { ...visionArchitectureOf(backbone), ...vision }),
      },
      text: { ...model.text, ...fill(model.text, textFields, { layerNormEpsilon: 1e-12, pooling: 'cls', ...text }) },
    },
    data: { ...data, ...fill(data, imageFields, image) },
  } as CompleteConfig;
  requireText(whole.model.text);
  return whole;
}

function fill(own: Record<string, unknown>, fields: Record<string, string>, known: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, own[key] ?? known[field]]));
}

function requireText(text: CompleteConfig['model']['text']): void {
  const open = Object.keys(textFields).filter((key) => text[key as keyof typeof textFields] === undefined);
  if (open.length > 0) {
    const keys = open.map((key) => `model.text.${key}`).join(', ');
    throw new CrosscheckError(
      'CROSSCHECK_BACKBONE_CONFIG_MISSING',
      `expected a config.json that says the sizes of ${text.pretrained_model}, got none; set model.text.pretrained_model to a Hub id or a folder with config.json, or set ${keys}`,
    );
  }
  if (text.hidden_size % text.heads === 0) return;
  throw new CrosscheckError(
    'CROSSCHECK_CONFIG_VALUE',
    `text.heads must divide text.hidden_size, got ${text.heads} and ${text.hidden_size}`,
  );
}
