import type { tf } from '@crosscheck/tensorflow';
import { addBias, biasGradient, consume, matMul, matMulLeft, matMulRight } from './kernels.ts';
import type { Work } from './work.ts';

/** x · Wᵀ + b, x [N, in] → [N, out] */
export function linear(work: Work, name: string, x: tf.Tensor): tf.Tensor {
  const product = matMulRight(x, work.weight(`${name}.weight`)); // [N, out]
  return consume(product, (y) => addBias(y, work.weight(`${name}.bias`)));
}

export function linearBackward(work: Work, name: string, x: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  learnLinear(work, name, x, dy);
  return matMul(dy, work.weight(`${name}.weight`)); // [N, in]
}

/** The way back of a first layer: nobody needs dx. */
export function learnLinear(work: Work, name: string, x: tf.Tensor, dy: tf.Tensor): void {
  work.learn(`${name}.weight`, () => matMulLeft(dy, x)); // [out, in]
  work.learn(`${name}.bias`, () => biasGradient(dy)); // [out]
}
