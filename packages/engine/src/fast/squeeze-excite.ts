// Weighs every map by what the whole picture holds (Hu et al. 2018).
//
// Shapes: B samples, E channels, S squeezed channels.
import type { tf } from '@crosscheck/tensorflow';
import { silu, siluBackward } from './activated-norm.ts';
import { consume, release, sigmoid, sigmoidGradient } from './kernels.ts';
import { linear, linearBackward } from './linear.ts';
import type { Work } from './work.ts';

export interface KeptSqueeze {
  means: tf.Tensor; // [B, E]
  squeezed: tf.Tensor; // [B, S]
  mapWeights: tf.Tensor; // [B, E]
}

/** Means of the maps [B, E], which it takes over → the maps' weights, [B, E], and what led to them. */
export function squeezeExcite(work: Work, name: string, means: tf.Tensor): KeptSqueeze {
  const squeezed = linear(work, `${name}.fc1`, means); // [B, S]
  const excited = consume(silu(squeezed), (active) => linear(work, `${name}.fc2`, active)); // [B, E]
  return { means, squeezed, mapWeights: consume(excited, sigmoid) };
}

/** The gradient of the weights → that of the means, [B, E] each. */
export function squeezeExciteBackward(work: Work, name: string, kept: KeptSqueeze, dWeights: tf.Tensor): tf.Tensor {
  const { means, squeezed, mapWeights } = kept;
  const dExcited = sigmoidGradient(mapWeights, dWeights); // [B, E]
  const dActive = consume(silu(squeezed), (active) =>
    consume(dExcited, () => linearBackward(work, `${name}.fc2`, active, dExcited)),
  ); // [B, S]
  const dSqueezed = consume(dActive, () => siluBackward(squeezed, dActive)); // [B, S]
  const dMeans = consume(dSqueezed, () => linearBackward(work, `${name}.fc1`, means, dSqueezed)); // [B, E]
  release(kept);
  return dMeans;
}
