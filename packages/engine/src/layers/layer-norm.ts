import { tf } from '@crosscheck/tensorflow';
import type { Pass } from './pass.ts';
import { withGradient } from './with-gradient.ts';

/** Normalises every row of [N, H] to mean 0 and variance 1, then scales and shifts (Ba et al. 2016). */
export function layerNorm(pass: Pass, name: string, x: tf.Tensor2D, epsilon: number): tf.Tensor2D {
  const [scale, offset] = [pass.weight(`${name}.weight`), pass.weight(`${name}.bias`)];
  return withGradient([x, scale, offset], {
    forward: () => {
      const centred = tf.sub(x, rowMean(x)); // [N, H]
      const inverseStd = tf.rsqrt(tf.add(rowMean(tf.square(centred)), epsilon)); // [N, 1]
      const normal = tf.mul(centred, inverseStd); // [N, H]
      return { value: tf.add(tf.mul(normal, scale), offset), saved: [normal, inverseStd, scale] };
    },
    backward: (dy, saved) => layerNormGradients(dy, saved as [tf.Tensor, tf.Tensor, tf.Tensor]),
  });
}

const rowMean = (x: tf.Tensor) => tf.mean(x, -1, true);

/** dx = (dŷ − mean(dŷ) − x̂ · mean(dŷ · x̂)) / std with dŷ = dy · scale. */
function layerNormGradients(
  dy: tf.Tensor,
  [normal, inverseStd, scale]: [tf.Tensor, tf.Tensor, tf.Tensor],
): tf.Tensor[] {
  const dNormal = tf.mul(dy, scale); // [N, H]
  const along = tf.mul(normal, rowMean(tf.mul(dNormal, normal))); // [N, H]
  const dx = tf.mul(tf.sub(tf.sub(dNormal, rowMean(dNormal)), along), inverseStd); // [N, H]
  return [dx, tf.sum(tf.mul(dy, normal), 0), tf.sum(dy, 0)];
}
