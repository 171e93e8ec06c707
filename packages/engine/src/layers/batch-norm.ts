import { type Attribute, attribute, executeKernels, tf } from '@crosscheck/tensorflow';
import type { Pass } from './pass.ts';
import { withGradient } from './with-gradient.ts';

/**
 * Batch normalisation over [B, H, W, C] (Ioffe and Szegedy 2015), with TensorFlow's fused kernel and its gradient.
 * In training it normalises with the batch's own mean and biased variance, and moves the running statistics towards the mean
 * and the unbiased variance, as PyTorch does; otherwise it normalises with the running statistics.
 */
export function batchNorm(pass: Pass, name: string, x: tf.Tensor4D, epsilon: number): tf.Tensor4D {
  const [scale, offset] = [pass.weight(`${name}.weight`), pass.weight(`${name}.bias`)];
  const statistics = [pass.weight(`${name}.running_mean`), pass.weight(`${name}.running_var`)];
  const attributes = batchNormAttributes(pass.training, epsilon);
  const momentum = attribute.float('exponential_avg_factor', pass.training ? pass.batchNormMomentum : 1);
  return withGradient([x, scale, offset], {
    forward: () => {
      const inputs = [x, scale, offset, ...statistics];
      const outputs = executeKernels('FusedBatchNormV3', [...attributes, momentum], inputs, 6);
      const [value, mean, variance, ...reserved] = outputs as [tf.Tensor, tf.Tensor, tf.Tensor, ...tf.Tensor[]];
      if (pass.training) {
        pass.moveStatistic(`${name}.running_mean`, tf.keep(mean));
        pass.moveStatistic(`${name}.running_var`, tf.keep(variance));
      }
      return { value, saved: [x, scale, ...reserved] };
    },
    backward: (dy, saved) => executeKernels('FusedBatchNormGradV3', attributes, [dy, ...saved], 5).slice(0, 3),
  });
}

function batchNormAttributes(training: boolean, epsilon: number): Attribute[] {
  return [
    attribute.float('epsilon', epsilon),
    attribute.string('data_format', 'NHWC'),
    attribute.bool('is_training', training),
  ];
}
