import { type Bfloat16Tensor, matMulBfloat16, type tf, toBfloat16 } from '@crosscheck/tensorflow';

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

/** Products of matrices in bfloat16, summed in float32. Only the text backbone's are large enough to gain from fewer bits. */
export const mixedProducts = {
  none: (a: tf.Tensor, b: tf.Tensor) => rounded([a, b], (x, y) => matMulBfloat16(x, y)),
  left: (a: tf.Tensor, b: tf.Tensor) => rounded([a, b], (x, y) => matMulBfloat16(x, y, { transposeA: true })),
  right: (a: tf.Tensor, b: tf.Tensor) => rounded([a, b], (x, y) => matMulBfloat16(x, y, { transposeB: true })),
};
