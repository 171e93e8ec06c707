import { executeKernel, tf } from '@crosscheck/tensorflow';
import { elementwise } from './with-gradient.ts';

/** σ′(x), given σ(x) and what to multiply it with. */
const sigmoidSlope = (sigmoid: tf.Tensor, factor: tf.Tensor) => executeKernel('SigmoidGrad', [], [sigmoid, factor]);

/** x · σ(x), also called swish (Hendrycks and Gimpel 2016; Ramachandran et al. 2017). */
export function silu<T extends tf.Tensor>(x: T): T {
  return elementwise(
    x,
    (x) => tf.mul(x, tf.sigmoid(x)),
    (x) => {
      const sigmoid = tf.sigmoid(x);
      return tf.add(sigmoid, sigmoidSlope(sigmoid, x));
    },
  );
}

/** The standard normal's cumulative distribution Φ and density φ. */
const normalCdf = (x: tf.Tensor) => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
const normalPdf = (x: tf.Tensor) => tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));

/** x · Φ(x) with the error function itself, not its tanh approximation (Hendrycks and Gimpel 2016). */
export function gelu<T extends tf.Tensor>(x: T): T {
  return elementwise(
    x,
    (x) => tf.mul(x, normalCdf(x)),
    (x) => tf.add(normalCdf(x), tf.mul(x, normalPdf(x))),
  );
}
