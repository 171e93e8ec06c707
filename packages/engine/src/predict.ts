import { tf } from '@crosscheck/tensorflow';
import {
  checkFeatures,
  type Features,
  featureTensor,
  imageTensor,
  type ModelInput,
  passFusion,
  passPicture,
  passText,
  passVision,
  passWords,
  tokenTensors,
} from './encode.ts';
import type { Pass } from './layers/pass.ts';
import { type Presence, presenceOf } from './presence.ts';
import { type ModelState, openPass } from './state.ts';

/** Runs both backbones in evaluation mode. */
export function encode(state: ModelState, input: ModelInput): Features {
  return tf.tidy(() => {
    const pass = openPass(state);
    return {
      vision: passVision(state, pass, imageTensor(input)).dataSync() as Float32Array,
      text: passText(state, pass, tokenTensors(state.architecture, input)).dataSync() as Float32Array,
    };
  });
}

/** Logits of a batch in evaluation mode, or in the mode that `changes` ask for. @returns [B] */
export function predictLogits(state: ModelState, input: ModelInput, changes: Partial<Pass> = {}): Float32Array {
  return tf.tidy(() => {
    const pass = openPass(state, changes);
    const presence = presenceOf(state.architecture, input);
    const tokens = tokenTensors(state.architecture, input); // [B, L] each
    const vision = passPicture(state, pass, imageTensor(input)); // [B, V] or [B, R, V]
    const text = passWords(state, pass, tokens); // [B, T] or [B, L, T]
    return passFusion(state, pass, { vision, text, mask: tokens[1], presence }).dataSync() as Float32Array;
  });
}

/** A batch whose backbones have run. */
export type EncodedInput = Presence & { size: number; features: Features };

/** Logits from features that `encode` has made. @returns [B] */
export function predictLogitsFromFeatures(state: ModelState, input: EncodedInput): Float32Array {
  const { architecture } = state;
  const { size, features } = input;
  checkFeatures(state, features);
  return tf.tidy(() => {
    const presence = presenceOf(architecture, input);
    const vision = featureTensor(features.vision, size, architecture.vision.headChannels); // [B, V]
    const text = featureTensor(features.text, size, architecture.text.hiddenSize); // [B, T]
    return passFusion(state, openPass(state), { vision, text, presence }).dataSync() as Float32Array;
  });
}
