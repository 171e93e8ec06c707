import { tf } from '@crosscheck/tensorflow';
import { type Pass, uniformNoise } from './pass.ts';

/** 0 with probability `rate`, else 1 / (1 − rate), so that the expectation stays 1. */
export function survivalMask(pass: Pass, shape: number[], rate: number, site: string): tf.Tensor {
  return tf.tidy(() => {
    const survives = tf.greaterEqual(uniformNoise(shape, pass.seed, site), rate);
    return tf.mul(tf.cast(survives, 'float32'), 1 / (1 - rate));
  });
}

/** Drops single elements in training (Srivastava et al. 2014). `site` names the place: each has its own masks. */
export function dropout<T extends tf.Tensor>(pass: Pass, x: T, rate: number, site: string): T {
  if (!pass.training || rate === 0) return x;
  return tf.mul(x, survivalMask(pass, x.shape, rate, site));
}

/** Drops the residual branch of whole samples in training (Huang et al. 2016; torchvision's mode "row"). */
export function stochasticDepth(pass: Pass, x: tf.Tensor4D, rate: number, site: string): tf.Tensor4D {
  if (!pass.training || rate === 0) return x;
  return tf.mul(x, survivalMask(pass, [x.shape[0], 1, 1, 1], rate, site));
}
