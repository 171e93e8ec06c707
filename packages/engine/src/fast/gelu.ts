// GELU (Hendrycks and Gimpel 2016), the exact one: x · Φ(x).
import { executeKernel, type tf } from '@crosscheck/tensorflow';
import { add, consume, erf, exp, multiply, scale, shift, square } from './kernels.ts';

/** In one of its implementations. */
export interface Gelu {
  forward: (x: tf.Tensor) => tf.Tensor;
  backward: (x: tf.Tensor, dy: tf.Tensor) => tf.Tensor;
}

/** Φ(x), the standard normal's cumulative distribution */
function normalCdf(x: tf.Tensor): tf.Tensor {
  const error = consume(scale(x, Math.SQRT1_2), erf);
  const doubled = consume(error, (e) => shift(e, 1));
  return consume(doubled, (d) => scale(d, 0.5));
}

/** φ(x), its density */
function normalPdf(x: tf.Tensor): tf.Tensor {
  const exponent = consume(square(x), (s) => scale(s, -0.5));
  return consume(consume(exponent, exp), (e) => scale(e, 1 / Math.sqrt(2 * Math.PI)));
}

/** Of TensorFlow's own kernels, on any device. */
export const composedGelu: Gelu = {
  forward: (x) => consume(normalCdf(x), (cdf) => multiply(x, cdf)),
  /** dy · (Φ(x) + x · φ(x)) */
  backward(x, dy) {
    const bell = consume(normalPdf(x), (pdf) => multiply(x, pdf));
    const slope = consume(bell, () => consume(normalCdf(x), (cdf) => add(cdf, bell)));
    return consume(slope, () => multiply(dy, slope));
  },
};

/** Of packages/tensorflow/native. */
export const ownGelu: Gelu = {
  forward: (x) => executeKernel('CrosscheckGelu', [], [x]),
  backward: (x, dy) => executeKernel('CrosscheckGeluGradient', [], [dy, x]),
};
