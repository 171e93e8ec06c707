import { expectNoLeak } from '@crosscheck/testkit';
import { expect, test } from 'vitest';
import { attribute, describeTensorflow, executeKernel, executeKernels, tensorflowInfo, tf } from '../src/index.ts';

test('says on what it runs', () => {
  expect(tensorflowInfo()).toMatchObject({ version: '2.18.1', flavor: 'cpu', device: 'CPU', note: null });
  expect(describeTensorflow()).toBe('TensorFlow 2.18.1 (cpu build) on CPU');
});

test('computes a convolution and its gradient', async () => {
  await expectNoLeak(tf, () => {
    const image = tf.ones<tf.Rank.R4>([1, 3, 3, 1]);
    const filter = tf.ones<tf.Rank.R4>([2, 2, 1, 1]);
    const gradient = tf.grad((x: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, filter, 1, 'valid').sum())(image);
    expect(Array.from(gradient.dataSync())).toEqual([1, 2, 1, 2, 4, 2, 1, 2, 1]);
    tf.dispose([image, filter, gradient]);
  });
});

test('runs raw kernels with explicit padding, which tfjs itself refuses', () => {
  tf.tidy(() => {
    const image = tf.ones<tf.Rank.R4>([1, 4, 4, 1]);
    const filter = tf.ones<tf.Rank.R4>([3, 3, 1, 1]);
    const padded = executeKernel(
      'Conv2D',
      [
        attribute.int('strides', [1, 2, 2, 1]),
        attribute.string('padding', 'EXPLICIT'),
        attribute.int('explicit_paddings', [0, 0, 1, 1, 1, 1, 0, 0]),
        attribute.string('data_format', 'NHWC'),
        attribute.int('dilations', [1, 1, 1, 1]),
      ],
      [image, filter],
    );
    expect(padded.shape).toEqual([1, 2, 2, 1]);
    expect(Array.from(padded.dataSync())).toEqual([4, 6, 6, 9]);
  });
});

test('runs kernels with several outputs', () => {
  tf.tidy(() => {
    const [values, indices] = executeKernels(
      'TopKV2',
      [attribute.bool('sorted', true)],
      [tf.tensor1d([3, 9, 4]), tf.scalar(2, 'int32')],
      2,
    );
    expect(Array.from(values?.dataSync() ?? [])).toEqual([9, 4]);
    expect(Array.from(indices?.dataSync() ?? [])).toEqual([1, 2]);
  });
});
