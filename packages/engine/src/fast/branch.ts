import { textPrefix, visionPrefix } from '@crosscheck/network';
import type { tf } from '@crosscheck/tensorflow';
import {
  type Features,
  featureTensor,
  imageTensor,
  type PartialInput,
  textNetwork,
  tokenTensors,
  visionNetwork,
} from '../encode.ts';
import type { ModelState } from '../state.ts';
import { consume, release } from './kernels.ts';
import { packTokens } from './packing.ts';
import { encodeText, encodeTextBackward } from './text.ts';
import { encodeVision, encodeVisionBackward } from './vision.ts';
import type { Work } from './work.ts';

/** One modality of a batch: its features, and the way back to its backbone's parameters where there is one. */
export interface Branch {
  features: tf.Tensor;
  /** Takes the gradient of the features; frees all that the way back has kept. */
  backward: ((dFeatures: tf.Tensor) => void) | null;
}

/** As much of a batch as is needed where features are given. */
export type FeatureInput = PartialInput & { features?: Partial<Features> };

/** Features that are given stay as they are; a picture becomes features [B, V]. */
export function openVision(state: ModelState, work: Work, input: FeatureInput): Branch {
  const given = input.features?.vision;
  const { headChannels } = state.architecture.vision;
  if (given) return { features: featureTensor(given, input.size, headChannels), backward: null };
  const network = visionNetwork(state);
  const image = imageTensor(input); // [B, S, S, 3]
  const { y: features, kept } = encodeVision(work, network, image);
  if (!work.learns(visionPrefix)) return consume(image, () => ({ features, backward: null }));
  const backward = (dy: tf.Tensor) => consume(image, () => encodeVisionBackward(work, network, kept, { image, dy }));
  return { features, backward };
}

/** Features that are given stay as they are; tokens become features [B, T]. */
export function openText(state: ModelState, work: Work, input: FeatureInput): Branch {
  const given = input.features?.text;
  const { hiddenSize } = state.architecture.text;
  if (given) return { features: featureTensor(given, input.size, hiddenSize), backward: null };
  const tokens = tokenTensors(state.architecture, input); // [B, L] each
  const text = { network: textNetwork(state), packing: packTokens(tokens) };
  release(tokens);
  const { y: features, kept } = encodeText(work, text);
  const close = () => release(text.packing);
  if (!work.learns(textPrefix)) close();
  const backward = (dy: tf.Tensor) => {
    encodeTextBackward(work, text, kept, dy);
    close();
  };
  return { features, backward: work.learns(textPrefix) ? backward : null };
}
