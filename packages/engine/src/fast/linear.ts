import { textPrefix } from '@crosscheck/network';
import { type Bfloat16Tensor, matMulBfloat16, type tf, toBfloat16 } from '@crosscheck/tensorflow';
import { addBias, biasGradient, consume, matMul, matMulLeft, matMulRight } from './kernels.ts';
import type { Work } from './work.ts';

/** The three matrix products of a linear layer with the weight W [out, in]. */
interface Products {
  /** x · Wᵀ, [N, out] */
  output(x: tf.Tensor, weight: tf.Tensor): tf.Tensor;
  /** dy · W, [N, in] */
  inputGradient(dy: tf.Tensor, weight: tf.Tensor): tf.Tensor;
  /** dyᵀ · x, [out, in] */
  weightGradient(dy: tf.Tensor, x: tf.Tensor): tf.Tensor;
}

const float32: Products = { output: matMulRight, inputGradient: matMul, weightGradient: matMulLeft };

const bfloat16: Products = {
  output: (x, weight) => rounded([x, weight], (a, b) => matMulBfloat16(a, b, { transposeB: true })),
  inputGradient: (dy, weight) => rounded([dy, weight], (a, b) => matMulBfloat16(a, b)),
  weightGradient: (dy, x) => rounded([dy, x], (a, b) => matMulBfloat16(a, b, { transposeA: true })),
};

function rounded(
  [a, b]: [tf.Tensor, tf.Tensor],
  product: (a: Bfloat16Tensor, b: Bfloat16Tensor) => tf.Tensor,
): tf.Tensor {
  const [left, right] = [toBfloat16(a), toBfloat16(b)];
  const result = product(left, right);
  left.dispose();
  right.dispose();
  return result;
}

/** Only the text backbone's products are large enough to gain from fewer bits. */
const productsOf = (work: Work, name: string) =>
  work.mixedPrecision && name.startsWith(textPrefix) ? bfloat16 : float32;

/** x · Wᵀ + b, x [N, in] → [N, out] */
export function linear(work: Work, name: string, x: tf.Tensor): tf.Tensor {
  const product = productsOf(work, name).output(x, work.weight(`${name}.weight`)); // [N, out]
  return consume(product, (y) => addBias(y, work.weight(`${name}.bias`)));
}

export function linearBackward(work: Work, name: string, x: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  const products = productsOf(work, name);
  work.learn(`${name}.weight`, () => products.weightGradient(dy, x)); // [out, in]
  work.learn(`${name}.bias`, () => biasGradient(dy)); // [out]
  return products.inputGradient(dy, work.weight(`${name}.weight`)); // [N, in]
}
