// Weighs every channel by what the whole picture holds (Hu et al. 2018).
//
// Shapes: B samples, E channels, S squeezed channels.
import type { tf } from '@crosscheck/tensorflow';
import { add, consume, mapMean, multiply, release, reshape, scale, sigmoid, sigmoidGradient } from './kernels.ts';
import { linear, linearBackward } from './linear.ts';
import { silu, siluBackward } from './unit.ts';
import type { Forward, Work } from './work.ts';

export interface KeptSqueeze {
  means: tf.Tensor; // [B, E]
  squeezed: tf.Tensor; // [B, S]
  channelWeights: tf.Tensor; // [B, E]
}

/** [B, E] as one weight for each map, [B, 1, 1, E] */
const perMap = (x: tf.Tensor) => reshape(x, [x.shape[0] as number, 1, 1, x.shape[1] as number]);

/** x · weight of its channel, both ways. */
export function weigh(x: tf.Tensor, { channelWeights }: KeptSqueeze): tf.Tensor {
  return consume(perMap(channelWeights), (weights) => multiply(x, weights)); // [B, H, W, E]
}

/** x [B, H, W, E] → the same, weighed */
export function squeezeExcite(work: Work, name: string, x: tf.Tensor): Forward<KeptSqueeze> {
  const means = mapMean(x); // [B, E]
  const squeezed = linear(work, `${name}.fc1`, means); // [B, S]
  const excited = consume(silu(squeezed), (active) => linear(work, `${name}.fc2`, active)); // [B, E]
  const kept = { means, squeezed, channelWeights: consume(excited, sigmoid) };
  return { y: weigh(x, kept), kept };
}

export function squeezeExciteBackward(
  work: Work,
  name: string,
  kept: KeptSqueeze,
  { x, dy }: { x: tf.Tensor; dy: tf.Tensor },
): tf.Tensor {
  const { means, squeezed, channelWeights } = kept;
  const [, H, W] = x.shape as [number, number, number, number];
  const correlation = consume(multiply(dy, x), mapMean); // [B, E]
  const dWeights = consume(correlation, (mean) => scale(mean, H * W)); // [B, E]
  const dExcited = consume(dWeights, () => sigmoidGradient(channelWeights, dWeights)); // [B, E]
  const dActive = consume(silu(squeezed), (active) =>
    consume(dExcited, () => linearBackward(work, `${name}.fc2`, active, dExcited)),
  ); // [B, S]
  const dSqueezed = consume(dActive, () => siluBackward(squeezed, dActive)); // [B, S]
  const dMeans = consume(dSqueezed, () => linearBackward(work, `${name}.fc1`, means, dSqueezed)); // [B, E]
  const dEach = consume(
    consume(dMeans, (d) => scale(d, 1 / (H * W))),
    perMap,
  ); // [B, 1, 1, E]
  const dx = consume(weigh(dy, kept), (direct) => consume(dEach, () => add(direct, dEach))); // [B, H, W, E]
  release(kept);
  return dx;
}
