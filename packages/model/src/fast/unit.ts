// The unit that EfficientNet is made of: a convolution, batch norm and SiLU. Only what the convolution has computed is kept: the two
// others are computed again on the way back, which costs less than the memory traffic of keeping their results.
import type { tf } from '@crosscheck/tensorflow';
import { type BatchNorm, batchNorm, batchNormAgain, batchNormBackward, type KeptBatchNorm } from './batch-norm.ts';
import type { Convolution } from './convolution.ts';
import { add, consume, multiply, sigmoid, sigmoidGradient } from './kernels.ts';
import type { Forward, Work } from './work.ts';

export interface Unit {
  convolution: Convolution;
  norm: BatchNorm;
}

/** x · σ(x) */
export function silu(x: tf.Tensor): tf.Tensor {
  return consume(sigmoid(x), (s) => multiply(x, s));
}

/** dy · (σ(x) + x · σ′(x)) */
export function siluBackward(x: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  const slope = consume(sigmoid(x), (s) => consume(sigmoidGradient(s, x), (rest) => add(s, rest)));
  return consume(slope, () => multiply(dy, slope));
}

/** x [B, H, W, C] → [B, H/s, W/s, O] */
export function unit(work: Work, { convolution, norm }: Unit, x: tf.Tensor): Forward<KeptBatchNorm> {
  const { y, kept } = batchNorm(work, norm, convolution.forward(work, x));
  return { y: consume(y, silu), kept };
}

/** The unit's output once more. */
export function unitAgain(work: Work, { norm }: Unit, kept: KeptBatchNorm): tf.Tensor {
  return consume(batchNormAgain(work, norm, kept), silu);
}

/** The gradient of what the convolution has computed, from that of the unit's output. */
export function unitBackward(work: Work, { norm }: Unit, kept: KeptBatchNorm, dy: tf.Tensor): tf.Tensor {
  const normalised = batchNormAgain(work, norm, kept);
  const dNormalised = consume(normalised, () => siluBackward(normalised, dy));
  return consume(dNormalised, (d) => batchNormBackward(work, norm, kept, d));
}
