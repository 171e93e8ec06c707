import { tf } from '@crosscheck/tensorflow';
import type { Pass } from './pass.ts';

/** x · Wᵀ + b with W as PyTorch keeps it, [out, in]: as fast here as [in, out], and never converted. */
export function linear(pass: Pass, name: string, x: tf.Tensor2D): tf.Tensor2D {
  const weight = pass.weight(`${name}.weight`) as tf.Tensor2D;
  return tf.add(tf.matMul(x, weight, false, true), pass.weight(`${name}.bias`)); // [N, out]
}
