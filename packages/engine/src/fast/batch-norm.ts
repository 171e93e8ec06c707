import type { Norm } from '@crosscheck/network';
import { type Attribute, attribute, executeKernels, type tf } from '@crosscheck/tensorflow';
import { add, consume, release, scale, view } from './kernels.ts';
import type { Statistics, Work } from './work.ts';

const attributesOf = (isTraining: boolean, epsilon: number): Attribute[] => [
  attribute.float('epsilon', epsilon),
  attribute.string('data_format', 'NHWC'),
  attribute.bool('is_training', isTraining),
];

type Outputs = [y: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, ...reserved: tf.Tensor[]];

/** x [B, H, W, C] normalised, scaled and shifted; the running statistics move in a training pass. */
export function batchNorm(work: Work, norm: Norm, x: tf.Tensor): { y: tf.Tensor; kept: Statistics } {
  const inputs = [x, ...affine(work, norm), ...running(work, norm)];
  const attributes = [...attributesOf(work.training, norm.epsilon), attribute.float('exponential_avg_factor', 1)];
  const [y, mean, unbiased, ...reserved] = executeKernels('FusedBatchNormV3', attributes, inputs, 6) as Outputs;
  if (!work.training) {
    release(mean, unbiased);
    return { y, kept: { ofBatch: null, reserved } };
  }
  moveStatistics(work, norm, mean, unbiased);
  const count = x.size / (x.shape[3] as number);
  const variance = consume(unbiased, (v) => scale(v, Math.max(count - 1, 1) / count)); // [C]
  return { y, kept: { ofBatch: { mean, variance }, reserved } };
}

/** The same output once more. */
export function batchNormAgain(work: Work, norm: Norm, x: tf.Tensor, { ofBatch }: Statistics): tf.Tensor {
  const statistics = ofBatch ? [ofBatch.mean, ofBatch.variance] : running(work, norm);
  const inputs = [x, ...affine(work, norm), ...statistics];
  const [y, ...rest] = executeKernels('FusedBatchNormV3', attributesOf(false, norm.epsilon), inputs, 6) as Outputs;
  release(rest);
  return y;
}

/** dy → dx, both [B, H, W, C] */
export function batchNormBackward(
  work: Work,
  norm: Norm,
  { x, statistics }: { x: tf.Tensor; statistics: Statistics },
  dy: tf.Tensor,
): tf.Tensor {
  const inputs = [dy, x, work.weight(`${norm.name}.weight`), ...statistics.reserved];
  const gradients = executeKernels('FusedBatchNormGradV3', attributesOf(work.training, norm.epsilon), inputs, 5);
  const [dx, dScale, dOffset, ...rest] = gradients as Outputs;
  work.learn(`${norm.name}.weight`, () => view(dScale));
  work.learn(`${norm.name}.bias`, () => view(dOffset as tf.Tensor));
  release(dScale, dOffset as tf.Tensor, rest);
  return dx;
}

export const affine = (work: Work, { name }: Norm) => [work.weight(`${name}.weight`), work.weight(`${name}.bias`)];

export const running = (work: Work, { name }: Norm) => [
  work.weight(`${name}.running_mean`),
  work.weight(`${name}.running_var`),
];

/** Moves the running mean and variance towards those of the batch, [C] each. */
export function moveStatistics(work: Work, { name }: Norm, mean: tf.Tensor, unbiased: tf.Tensor): void {
  move(work, `${name}.running_mean`, mean);
  move(work, `${name}.running_var`, unbiased);
}

/** (1 − momentum) · old + momentum · new */
function move(work: Work, name: string, value: tf.Tensor): void {
  const old = scale(work.weight(name), 1 - work.batchNormMomentum); // [C]
  const fresh = scale(value, work.batchNormMomentum); // [C]
  work.moveStatistic(
    name,
    consume(old, () => consume(fresh, () => add(old, fresh))),
  );
}
