import type { Architecture, Batch } from '@crosscheck/contract';
import { tf } from '@crosscheck/tensorflow';
import { type Encoded, type FusionNetwork, fuse } from './fusion.ts';
import { invalidBatch } from './invalid-batch.ts';
import type { Pass } from './layers/pass.ts';
import type { Presence } from './presence.ts';
import type { ModelState } from './state.ts';
import { encodeText, encodeTokens, type TextNetwork } from './text.ts';
import { encodeVision, encodeVisionMap, type VisionNetwork } from './vision.ts';

/** What the network reads of a batch. */
export type ModelInput = Pick<Batch, 'size' | 'length' | 'image' | 'inputIds' | 'attentionMask'> & Presence;

/** What the backbones make of a batch: enough to judge it without its pixels and tokens. */
export interface Features {
  /** [B, 1280] at full size. */
  vision: Float32Array;
  /** [B, 768] at full size. */
  text: Float32Array;
}

export const visionNetwork = ({ architecture, dropout }: ModelState): VisionNetwork => ({
  ...architecture.vision,
  stochasticDepth: dropout.stochasticDepth,
});

export const textNetwork = ({ architecture, dropout }: ModelState): TextNetwork => ({
  ...architecture.text,
  dropout: dropout.text,
  attentionDropout: dropout.attention,
});

export const fusionNetwork = ({ architecture, dropout }: ModelState): FusionNetwork => ({
  strategy: architecture.fusion,
  dropout: dropout.fusion,
  projectionDropout: dropout.projection,
});

export function passVision(state: ModelState, pass: Pass, image: tf.Tensor4D): tf.Tensor2D {
  return encodeVision(pass, visionNetwork(state), image);
}

export function passText(state: ModelState, pass: Pass, tokens: [tf.Tensor2D, tf.Tensor2D]): tf.Tensor2D {
  return encodeText(pass, textNetwork(state), ...tokens);
}

/** Whether the fusion looks at regions and tokens instead of whole pictures and texts. */
export const looksAtTokens = ({ architecture }: Pick<ModelState, 'architecture'>): boolean =>
  architecture.fusion === 'cross_attention';

/** A picture as the fusion looks at it. @returns [B, V], or [B, R, V] where that looks at regions */
export function passPicture(state: ModelState, pass: Pass, image: tf.Tensor4D): tf.Tensor {
  if (!looksAtTokens(state)) return passVision(state, pass, image);
  return tf.tidy(() => {
    const map = encodeVisionMap(pass, visionNetwork(state), image); // [B, 7, 7, V]
    return tf.reshape(map, [map.shape[0], -1, map.shape[3]]); // [B, R, V]
  });
}

/** Words as the fusion looks at them. @returns [B, T], or [B, L, T] where that looks at tokens */
export function passWords(state: ModelState, pass: Pass, tokens: [tf.Tensor2D, tf.Tensor2D]): tf.Tensor {
  return looksAtTokens(state) ? encodeTokens(pass, textNetwork(state), ...tokens) : passText(state, pass, tokens);
}

export function passFusion(state: ModelState, pass: Pass, encoded: Encoded): tf.Tensor2D {
  return fuse(pass, fusionNetwork(state), encoded);
}

/** A batch of which only those parts must be there that are read. */
export type PartialInput = Pick<ModelInput, 'size'> & Partial<ModelInput>;

/** @returns [B, S, S, 3] */
export function imageTensor({ size, image }: PartialInput): tf.Tensor4D {
  if (!image) throw invalidBatch('expected pixels or vision features, got neither');
  const side = Math.round(Math.sqrt(image.length / (3 * size)));
  if (size === 0 || side === 0 || side * side * 3 * size !== image.length) {
    throw invalidBatch(`expected ${size} square pictures of 3 channels, got ${image.length} numbers`);
  }
  return tf.tensor4d(image, [size, side, side, 3]);
}

/** @returns token ids and mask, both [B, L] */
export function tokenTensors(architecture: Architecture, input: PartialInput): [tf.Tensor2D, tf.Tensor2D] {
  const { size, length, inputIds, attentionMask } = input;
  if (!(length && inputIds && attentionMask)) throw invalidBatch('expected tokens or text features, got neither');
  const { maxPositions, vocabSize } = architecture.text;
  if (inputIds.length !== size * length || attentionMask.length !== size * length) {
    const got = `${inputIds.length} ids and ${attentionMask.length} mask entries`;
    throw invalidBatch(`expected ${size} texts of ${length} tokens, got ${got}`);
  }
  if (length > maxPositions) throw invalidBatch(`expected at most ${maxPositions} tokens, got ${length}`);
  const unknown = inputIds.find((id) => id < 0 || id >= vocabSize);
  if (unknown !== undefined) {
    throw invalidBatch(
      `expected token ids below the vocabulary's ${vocabSize}, got ${unknown}: is it the right tokenizer?`,
    );
  }
  return [tf.tensor2d(inputIds, [size, length], 'int32'), tf.tensor2d(attentionMask, [size, length], 'int32')];
}

/** @throws CROSSCHECK_MODEL_BATCH_INVALID when features are given that do not suffice */
export function checkFeatures(state: Pick<ModelState, 'architecture'>, features: Partial<Features> | undefined): void {
  if (!looksAtTokens(state) || !(features?.vision || features?.text)) return;
  throw invalidBatch('expected pixels and tokens, got features: cross_attention looks at every region and token');
}

/** One modality's features as a tensor [B, width]. */
export function featureTensor(features: Float32Array, size: number, width: number): tf.Tensor2D {
  if (features.length === size * width) return tf.tensor2d(features, [size, width]);
  throw invalidBatch(`expected features [${size}, ${width}], got ${features.length} numbers`);
}

/** @returns [B, 1] */
export function labelTensor(label: Float32Array, size: number): tf.Tensor2D {
  if (label.length === size) return tf.tensor2d(label, [size, 1]);
  throw invalidBatch(`expected ${size} labels, got ${label.length}`);
}
