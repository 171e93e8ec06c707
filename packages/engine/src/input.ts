import type { Architecture, Batch } from '@crosscheck/contract';
import { readsSequences } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { invalidBatch } from './invalid-batch.ts';
import type { Texts } from './packing.ts';
import type { Presence } from './presence.ts';

/** What the network reads of a batch. */
export type ModelInput = Pick<Batch, 'size' | 'length' | 'imageSize' | 'image' | 'inputIds' | 'attentionMask'> &
  Presence;

/** What the backbones make of a batch: enough to judge it without its pixels and tokens. */
export interface Features {
  /** [B, 1280] at full size; [B, 49, 1280] where the fusion reads regions and tokens. */
  vision: Float32Array;
  /** [B, 768] at full size; [B, L, 768] there, with zeros on padding. The batch then says `length` and `attentionMask` beside it. */
  text: Float32Array;
}

/** A batch of which only those parts must be there that are read: features that are given stand for what they are made of. */
export type PartialInput = Pick<ModelInput, 'size'> & Partial<ModelInput> & { features?: Partial<Features> };

/** A batch whose backbones have run. */
export type EncodedInput = Presence & Pick<PartialInput, 'size' | 'length' | 'attentionMask'> & { features: Features };

/** @returns [B, S, S, 3] */
export function imageTensor({ size, image, imageSize }: PartialInput): tf.Tensor4D {
  if (!(image && imageSize)) throw invalidBatch('expected pixels or vision features, got neither');
  if (size === 0 || image.length !== 3 * imageSize * imageSize * size) {
    throw invalidBatch(
      `expected ${size} square images of ${imageSize} × ${imageSize} pixels in 3 channels, got ${image.length} numbers`,
    );
  }
  return tf.tensor4d(image, [size, imageSize, imageSize, 3]);
}

/** Token ids and mask, once they are known to fit the network. */
export function textsOf({ text }: Architecture, input: PartialInput): Texts {
  const { size, length, inputIds, attentionMask } = input;
  if (!(length && inputIds && attentionMask)) throw invalidBatch('expected tokens or text features, got neither');
  const { maxPositions, vocabSize } = text;
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
  return { size, length, inputIds, attentionMask };
}

/** An image's features as the fusion reads them, [B, V] or [B, R, V]; null where pixels are given. */
export function givenVision(architecture: Architecture, { size, features }: PartialInput): tf.Tensor | null {
  if (!features?.vision) return null;
  const width = architecture.vision.headChannels;
  const regions = readsSequences(architecture) ? [features.vision.length / (size * width)] : [];
  return featureTensor(features.vision, [size, ...regions, width]);
}

/** A text's features, [B, T] or a row for every place, [B · L, T]; null where tokens are given. */
export function givenText(architecture: Architecture, { size, length = 0, features }: PartialInput): tf.Tensor | null {
  if (!features?.text) return null;
  return featureTensor(features.text, [
    readsSequences(architecture) ? size * length : size,
    architecture.text.hiddenSize,
  ]);
}

function featureTensor(features: Float32Array, shape: number[]): tf.Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  if (features.length === count && count > 0 && shape.every(Number.isInteger)) return tf.tensor(features, shape);
  throw invalidBatch(`expected features [${shape.join(', ')}], got ${features.length} numbers`);
}

/** Where tokens stand is needed to compute them, and for a fusion that reads them; null otherwise. */
export function placesOf(architecture: Architecture, input: PartialInput): Texts | null {
  if (!input.features?.text) return textsOf(architecture, input);
  if (!readsSequences(architecture)) return null;
  const { size, length, attentionMask } = input;
  if (length && attentionMask?.length === size * length)
    return { size, length, attentionMask, inputIds: attentionMask };
  throw invalidBatch('expected length and attentionMask beside the features of tokens, got none or of other sizes');
}

export function checkLabels(label: Float32Array, size: number): void {
  if (label.length !== size) throw invalidBatch(`expected ${size} labels, got ${label.length}`);
}
