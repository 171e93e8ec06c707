import { tf } from '@crosscheck/tensorflow';
import { type Features, fusionNetwork, type ModelInput } from '../encode.ts';
import { presenceOf } from '../presence.ts';
import { type ModelState, openPass } from '../state.ts';
import { type FeatureInput, openText, openVision } from './branch.ts';
import { fuse } from './fusion.ts';
import { bestKernels } from './kernel-set.ts';
import { consume, release } from './kernels.ts';
import type { Work } from './work.ts';

const openWork = (state: ModelState): Work => ({
  ...openPass(state),
  kernels: bestKernels,
  mixedPrecision: false,
  learn: () => undefined,
  learns: () => false,
});

/** Runs both backbones in evaluation mode. */
export function encodeFast(state: ModelState, input: ModelInput): Features {
  return tf.tidy(() => {
    const work = openWork(state);
    const read = (features: tf.Tensor) => consume(features, (x) => x.dataSync() as Float32Array);
    return {
      vision: read(openVision(state, work, input).features),
      text: read(openText(state, work, input).features),
    };
  });
}

/** Logits of a batch in evaluation mode, from its pixels and tokens or from their features. @returns [B] */
export function predictLogitsFast(state: ModelState, input: FeatureInput): Float32Array {
  return tf.tidy(() => {
    const work = openWork(state);
    const presence = presenceOf(state.architecture, input);
    const [vision, text] = [openVision(state, work, input).features, openText(state, work, input).features];
    const { y, kept } = fuse(work, fusionNetwork(state), { vision, text, presence }); // [B, 1]
    release(text, vision, kept);
    return consume(y, (logits) => logits.dataSync() as Float32Array);
  });
}
