// Our kernels against TensorFlow's operations, over shapes that leave odd numbers of rows and channels.
import { expectNoLeak } from '@crosscheck/testkit';
import { describe, test } from 'vitest';
import { attribute, executeKernel, executeKernels, hasOwnKernels, tf } from '../src/index.ts';
import { nearWithin } from './near.ts';

const epsilon = 1e-5;
const epsilonAttribute = attribute.float('epsilon', epsilon);
const kernel = (name: string, inputs: tf.Tensor[], ...attributes: Parameters<typeof executeKernel>[1]) =>
  executeKernel(name, attributes, inputs);

const expectNear = nearWithin(2e-5);

interface Inputs {
  x: tf.Tensor;
  dy: tf.Tensor;
  weight: tf.Tensor;
  bias: tf.Tensor;
  gate: tf.Tensor;
  each: tf.Tensor;
}

function makeInputs(shape: [number, number, number, number], offset: number): Inputs {
  const [B, , , C] = shape;
  return {
    x: tf.add(tf.mul(tf.randomNormal(shape, 0, 1, 'float32', 1), 2), offset),
    dy: tf.randomNormal(shape, 0, 1, 'float32', 2),
    weight: tf.randomUniform([C], 0.5, 1.5, 'float32', 3),
    bias: tf.randomNormal([C], 0, 1, 'float32', 4),
    gate: tf.randomUniform([B, C], 0, 1, 'float32', 5),
    each: tf.randomNormal([B, C], 0, 1, 'float32', 6),
  };
}

const maps = (x: tf.Tensor) => tf.reshape(x, [x.shape[0] as number, 1, 1, x.shape[1] as number]);

function activate({ x, weight, bias }: Inputs, statistics: { mean: tf.Tensor; variance: tf.Tensor }): tf.Tensor {
  const normal = tf.div(tf.sub(x, statistics.mean), tf.sqrt(tf.add(statistics.variance, epsilon)));
  const z = tf.add(tf.mul(normal, weight), bias);
  return tf.mul(z, tf.sigmoid(z));
}

const shapes: [number, number, number, number][] = [
  [1, 1, 1, 1],
  [2, 7, 7, 5],
  [3, 5, 9, 16],
  [4, 13, 8, 23],
  [2, 16, 16, 40],
];

// A runtime that was set up by a compiler without vector types has none of these kernels: the engine then does without.
describe.skipIf(!hasOwnKernels)('batch norm with SiLU', () => {
  const cases = shapes.flatMap((shape) => [0, 30].map((offset) => ({ shape, offset })));

  test.each(cases)('mean and variance, also far from 0: $shape, offset $offset', async ({ shape, offset }) => {
    await expectNoLeak(tf, () =>
      tf.tidy(() => {
        const { x } = makeInputs(shape, offset);
        const [mean, variance] = executeKernels('CrosscheckChannelMoments', [], [x], 2);
        const expected = tf.moments(x, [0, 1, 2]);
        expectNear(mean, expected.mean);
        expectNear(variance, expected.variance, 1e-4);
      }),
    );
  });

  test.each(cases)('forward, weighed and summed: $shape, offset $offset', async ({ shape, offset }) => {
    await expectNoLeak(tf, () =>
      tf.tidy(() => {
        const inputs = makeInputs(shape, offset);
        const { x, weight, bias, gate, dy } = inputs;
        const { mean, variance } = tf.moments(x, [0, 1, 2]);
        const normInputs = [x, weight, bias, mean, variance];
        const nothing = tf.tensor1d([]);
        const y = activate(inputs, { mean, variance });
        expectNear(kernel('CrosscheckNormActivation', [...normInputs, nothing], epsilonAttribute), y);
        expectNear(kernel('CrosscheckNormActivation', [...normInputs, gate], epsilonAttribute), tf.mul(y, maps(gate)));
        const sums = (t: tf.Tensor) => tf.sum(t, [1, 2]);
        expectNear(kernel('CrosscheckNormActivationSum', [...normInputs, nothing], epsilonAttribute), sums(y), 1e-4);
        expectNear(
          kernel('CrosscheckNormActivationSum', [...normInputs, dy], epsilonAttribute),
          sums(tf.mul(y, dy)),
          1e-4,
        );
      }),
    );
  });

  test.each(shapes.slice(1).flatMap((shape) => [true, false].map((training) => ({ shape, training }))))(
    'the way back: $shape, over the batch: $training',
    async ({ shape, training }) => {
      await expectNoLeak(tf, () =>
        tf.tidy(() => {
          const inputs = makeInputs(shape, 0.5);
          const { x, weight, bias, gate, each, dy } = inputs;
          const given = tf.tidy(() => {
            const { mean, variance } = tf.moments(x, [0, 1, 2]);
            return training ? { mean, variance } : { mean: tf.add(mean, 0.3), variance: tf.mul(variance, 1.7) };
          });
          const upstream = tf.add(tf.mul(dy, maps(gate)), maps(each));
          const expected = tf.grads((x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
            activate({ ...inputs, x, weight, bias }, training ? tf.moments(x, [0, 1, 2]) : given),
          )([x, weight, bias], upstream);
          const actual = executeKernels(
            'CrosscheckNormActivationGradient',
            [epsilonAttribute, attribute.bool('is_training', training)],
            [dy, x, weight, bias, given.mean, given.variance, gate, each],
            3,
          );
          for (const [i, gradient] of expected.entries()) expectNear(actual[i], gradient, 2e-4);
        }),
      );
    },
  );
});

describe.skipIf(!hasOwnKernels)('depthwise convolutions', () => {
  const geometries = [3, 5].flatMap((k) =>
    [1, 2].flatMap((stride) => [
      { k, stride, shape: [2, 5, 5, 3] },
      { k, stride, shape: [1, 8, 7, 16] },
      { k, stride, shape: [3, 13, 12, 29] },
      { k, stride, shape: [2, 1, 2, 40] },
      { k, stride, shape: [2, 6, 17, 24] },
      { k, stride, shape: [1, 28, 28, 48] },
    ]),
  );

  test.each(geometries)('kernel $k, stride $stride, $shape', async ({ k, stride, shape }) => {
    await expectNoLeak(tf, () =>
      tf.tidy(() => {
        const x = tf.randomNormal<tf.Rank.R4>(shape as [number, number, number, number], 0, 1, 'float32', 1);
        const filter = tf.randomNormal<tf.Rank.R4>([k, k, shape[3] as number, 1], 0, 1, 'float32', 2);
        const p = (k - 1) / 2;
        const convolve = (x: tf.Tensor, w: tf.Tensor) =>
          tf.depthwiseConv2d(
            tf.pad(x as tf.Tensor4D, [
              [0, 0],
              [p, p],
              [p, p],
              [0, 0],
            ]),
            w as tf.Tensor4D,
            stride,
            'valid',
          );
        const y = convolve(x, filter);
        const dy = tf.randomNormal(y.shape, 0, 1, 'float32', 3);
        const [dx, dFilter] = tf.grads(convolve)([x, filter], dy) as [tf.Tensor, tf.Tensor];
        const attributes = [attribute.int('kernel', k), attribute.int('stride', stride)];
        expectNear(kernel('CrosscheckDepthwise', [x, filter], ...attributes), y);
        expectNear(kernel('CrosscheckDepthwiseInputGradient', [x, filter, dy], ...attributes), dx);
        expectNear(kernel('CrosscheckDepthwiseFilterGradient', [x, dy], ...attributes), dFilter);
      }),
    );
  });
});
