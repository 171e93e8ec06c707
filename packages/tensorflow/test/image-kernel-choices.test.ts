// What our kernels of images can be told to do, against TensorFlow's own kernels: another activation after batch norm, TensorFlow's
// padding of depthwise convolutions. EfficientNet-Lite and weights that were trained in TensorFlow need both.
import { expectNoLeak } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import { type Attribute, attribute, executeKernel, executeKernels, hasOwnKernels, tf } from '../src/index.ts';
import { nearWithin } from './near.ts';

type Shape4 = [number, number, number, number];

const expectNear = nearWithin(2e-5);
const inScope = (body: () => void) => expectNoLeak(tf, () => tf.tidy(body));
const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
const maps = (x: tf.Tensor) => tf.reshape(x, [x.shape[0] as number, 1, 1, x.shape[1] as number]); // [B, 1, 1, C]

interface Activation {
  forward(z: tf.Tensor): tf.Tensor;
  backward(dy: tf.Tensor, z: tf.Tensor): tf.Tensor;
}

const activations: Record<string, Activation> = {
  silu: {
    forward: (z) => tf.mul(z, tf.sigmoid(z)),
    backward: (dy, z) => tf.grad((z: tf.Tensor) => tf.mul(z, tf.sigmoid(z)))(z, dy),
  },
  relu6: {
    forward: (z) => executeKernel('Relu6', [], [z]),
    backward: (dy, z) => executeKernel('Relu6Grad', [], [dy, z]),
  },
  none: { forward: (z) => z, backward: (dy) => dy },
};

const epsilon = attribute.float('epsilon', 1e-3);

interface Case {
  activation: string;
  training: boolean;
  shape: Shape4;
}

const cases = Object.keys(activations).flatMap((activation) =>
  [true, false].flatMap((training): Case[] => [
    { activation, training, shape: [2, 7, 7, 5] },
    { activation, training, shape: [3, 5, 9, 16] },
    { activation, training, shape: [4, 13, 8, 23] },
    { activation, training, shape: [2, 16, 16, 40] },
  ]),
);

/** A batch norm of TensorFlow's whose result lies on both sides of 0 and of 6, and the inputs of ours that equal it. */
function normalise({ training, shape }: Case) {
  const C = shape[3];
  const x = tf.add(tf.mul(normal(shape, 1), 2), 0.5);
  const weight = tf.randomUniform([C], 3, 5, 'float32', 3);
  const bias = tf.add(normal([C], 4), 2);
  const batch = tf.moments(x, [0, 1, 2]);
  const running = { mean: tf.add(batch.mean, 0.3), variance: tf.mul(batch.variance, 1.7) };
  const { mean, variance } = training ? batch : running;
  const attributes = [epsilon, attribute.string('data_format', 'NHWC'), attribute.bool('is_training', training)];
  const given = training ? [tf.tensor1d([]), tf.tensor1d([])] : [mean, variance];
  const [z, , , ...reserved] = executeKernels('FusedBatchNormV3', attributes, [x, weight, bias, ...given], 6);
  const backward = (dz: tf.Tensor) =>
    executeKernels('FusedBatchNormGradV3', attributes, [dz, x, weight, ...reserved], 5).slice(0, 3);
  return { z: z as tf.Tensor, backward, inputs: [x, weight, bias, mean, variance] };
}

// A runtime that was set up by a compiler without vector types has none of these kernels: the engine then does without.
describe.skipIf(!hasOwnKernels)('batch norm with an activation', () => {
  test.each(cases)('forward, weighed and summed: $activation, $shape, over the batch: $training', async (of) => {
    await inScope(() => {
      const { z, inputs } = normalise(of);
      const attributes = [epsilon, attribute.string('activation', of.activation)];
      const kernel = (name: string, last: tf.Tensor) => executeKernel(name, attributes, [...inputs, last]);
      const y = activations[of.activation]?.forward(z) as tf.Tensor;
      const [gate, factor, nothing] = [normal([of.shape[0], of.shape[3]], 5), normal(of.shape, 2), tf.tensor1d([])];
      const sums = (x: tf.Tensor) => tf.sum(x, [1, 2]); // [B, C]
      expect(tf.min(z).dataSync()[0]).toBeLessThan(0);
      expect(tf.max(z).dataSync()[0]).toBeGreaterThan(6);
      expectNear(kernel('CrosscheckNormActivation', nothing), y);
      expectNear(kernel('CrosscheckNormActivation', gate), tf.mul(y, maps(gate)));
      expectNear(kernel('CrosscheckNormActivationSum', nothing), sums(y));
      expectNear(kernel('CrosscheckNormActivationSum', factor), sums(tf.mul(y, factor)));
    });
  });

  test.each(cases)('backward, whatever is left out: $activation, $shape, over the batch: $training', async (of) => {
    await inScope(() => {
      const { z, backward, inputs } = normalise(of);
      const attributes = [
        epsilon,
        attribute.string('activation', of.activation),
        attribute.bool('is_training', of.training),
      ];
      const nothing = tf.tensor1d([]);
      const someOrNone = (x: tf.Tensor) => [x, nothing];
      const [B, , , C] = of.shape;
      for (const dy of someOrNone(normal(of.shape, 2)))
        for (const gate of someOrNone(normal([B, C], 5)))
          for (const each of someOrNone(normal([B, C], 6))) {
            const weighed = dy === nothing ? tf.zeros(of.shape) : gate === nothing ? dy : tf.mul(dy, maps(gate));
            const upstream = each === nothing ? weighed : tf.add(weighed, maps(each));
            const expected = backward(activations[of.activation]?.backward(upstream, z) as tf.Tensor);
            const actual = executeKernels(
              'CrosscheckNormActivationGradient',
              attributes,
              [dy, ...inputs, gate, each],
              3,
            );
            for (const [i, gradient] of expected.entries()) expectNear(actual[i], gradient, 2e-4);
          }
    });
  });

  test('ReLU6 is flat from exactly 0 down and 6 up, and a number that is none stays one', async () => {
    await inScope(() => {
      const bias = tf.tensor1d([-1, 0, 1e-30, 3, 6, 7, Number.NaN]);
      const [x, zeros, ones] = [tf.ones([1, 1, 2, 7]), tf.zeros([7]), tf.ones([7])];
      const inputs = [x, zeros, bias, zeros, ones];
      const [nothing, activation] = [tf.tensor1d([]), attribute.string('activation', 'relu6')];
      const y = executeKernel('CrosscheckNormActivation', [epsilon, activation], [...inputs, nothing]);
      const attributes = [epsilon, activation, attribute.bool('is_training', false)];
      const [, , dBias] = executeKernels(
        'CrosscheckNormActivationGradient',
        attributes,
        [x, ...inputs, nothing, nothing],
        3,
      );
      const values = [0, 0, Math.fround(1e-30), 3, 6, 6, Number.NaN];
      expect([...y.dataSync()]).toEqual([...values, ...values]);
      expect([...(dBias as tf.Tensor).dataSync()]).toEqual([0, 0, 2, 2, 0, 0, 0]);
    });
  });

  test('an activation that there is not is refused by name', async () => {
    await inScope(() => {
      const [x, ones, nothing] = [tf.ones([1, 1, 1, 1]), tf.ones([1]), tf.tensor1d([])];
      const attributes = [epsilon, attribute.string('activation', 'gelu')];
      const inputs = [x, ones, ones, ones, ones, nothing];
      expect(() => executeKernel('CrosscheckNormActivation', attributes, inputs)).toThrow(/gelu.*silu.*relu6.*none/s);
    });
  });
});

describe.skipIf(!hasOwnKernels)("depthwise convolutions with TensorFlow's padding", () => {
  const sizes: [number, number][] = [
    [1, 2],
    [2, 1],
    [7, 7],
    [7, 8],
    [8, 7],
    [8, 8],
    [13, 14],
    [14, 13],
    [14, 14],
    [112, 112],
    [113, 112],
    [113, 113],
  ];
  const geometries = [3, 5].flatMap((k) =>
    [1, 2].flatMap((stride) =>
      sizes.flatMap(([H, W]) => [1, 3].map((B) => ({ k, stride, shape: [B, H, W, 27] as Shape4 }))),
    ),
  );
  const ours = (k: number, stride: number): Attribute[] => [
    attribute.int('kernel', k),
    attribute.int('stride', stride),
    attribute.string('padding', 'SAME'),
  ];
  const theirs = (stride: number): Attribute[] => [
    attribute.int('strides', [1, stride, stride, 1]),
    attribute.string('padding', 'SAME'),
  ];

  test.each(geometries)('kernel $k, stride $stride, $shape', async ({ k, stride, shape }) => {
    await inScope(() => {
      const [x, filter] = [normal(shape, 1), normal([k, k, shape[3], 1], 2)];
      const y = executeKernel('DepthwiseConv2dNative', theirs(stride), [x, filter]);
      const dy = normal(y.shape, 3);
      const sizeOf = (x: tf.Tensor) => tf.tensor1d(x.shape, 'int32');
      const back = (name: string, inputs: tf.Tensor[]) =>
        executeKernel(`DepthwiseConv2dNativeBackprop${name}`, theirs(stride), inputs);
      const own = (name: string, inputs: tf.Tensor[]) =>
        executeKernel(`CrosscheckDepthwise${name}`, ours(k, stride), inputs);
      expectNear(own('', [x, filter]), y);
      expectNear(own('InputGradient', [x, filter, dy]), back('Input', [sizeOf(x), filter, dy]));
      expectNear(own('FilterGradient', [x, dy]), back('Filter', [x, sizeOf(filter), dy]));
    });
  });

  test.each([
    { k: 7, stride: 1 },
    { k: 1, stride: 1 },
    { k: 3, stride: 3 },
  ])('kernel $k at stride $stride is refused, forward and backward', async ({ k, stride }) => {
    await inScope(() => {
      const [x, filter] = [normal([1, 9, 9, 2], 1), normal([k, k, 2, 1], 2)];
      const refused = new RegExp(`kernel 3 or 5 and stride 1 or 2, got kernel ${k} and stride ${stride}`);
      const own = (name: string, inputs: tf.Tensor[]) => () =>
        executeKernel(`CrosscheckDepthwise${name}`, ours(k, stride), inputs);
      expect(own('', [x, filter])).toThrow(refused);
      expect(own('InputGradient', [x, filter, x])).toThrow(refused);
      expect(own('FilterGradient', [x, x])).toThrow(refused);
    });
  });
});
