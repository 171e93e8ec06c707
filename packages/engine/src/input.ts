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
  /** [B, 1280] at full size. */
  vision: Float32Array;
  /** [B, 768] at full size. */
  text: Float32Array;
}

/** A batch of which only those parts must be there that are read: features that are given stand for what they are made of. */
export type PartialInput = Pick<ModelInput, 'size'> & Partial<ModelInput> & { features?: Partial<Features> };

/** A batch whose backbones have run. */
export type EncodedInput = Presence & { size: number; features: Features };

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

/** Features that are given. @throws CROSSCHECK_MODEL_BATCH_INVALID when they do not suffice */
export function givenFeatures(architecture: Architecture, { features }: PartialInput): Partial<Features> {
  if (!features || !(features.vision || features.text)) return {};
  if (!readsSequences(architecture)) return features;
  throw invalidBatch(
    `expected pixels and tokens, got features: ${architecture.fusion} looks at every region and token`,
  );
}

/** One part's features as a tensor [B, width]. */
export function featureTensor(features: Float32Array, size: number, width: number): tf.Tensor2D {
  if (features.length === size * width) return tf.tensor2d(features, [size, width]);
  throw invalidBatch(`expected features [${size}, ${width}], got ${features.length} numbers`);
}

export function checkLabels(label: Float32Array, size: number): void {
  if (label.length !== size) throw invalidBatch(`expected ${size} labels, got ${label.length}`);
}
