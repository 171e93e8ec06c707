// The oracle's own kernels and gradients against the same formulas written in plain operations and differentiated by tfjs.
import { createRandom } from '@crosscheck/contract';
import { tf } from '@crosscheck/tensorflow';
import { expectClose, expectNoLeak } from '@crosscheck/testkit';
import { expect, test } from 'vitest';
import { oracleOps } from '../src/oracle/ops.ts';
import { type Pass, uniformNoise } from '../src/pass.ts';

function randomTensor<T extends tf.Tensor>(shape: number[], seed: string): T {
  const random = createRandom('layers', seed);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  return tf.tensor(data, shape) as T;
}

type Weights = Record<string, tf.Tensor>;

function openPass(weights: Weights, changes: Partial<Pass> = {}): Pass {
  return {
    weight: (name) => weights[name] as tf.Tensor,
    training: true,
    seed: 3,
    batchNormMomentum: 0.1,
    moveStatistic: (_, value) => value.dispose(),
    observe: () => undefined,
    ...changes,
  };
}

const opsOf = (weights: Weights = {}, changes: Partial<Pass> = {}) =>
  oracleOps(openPass(weights, changes), { tokens: null, marks: {} });

type Function = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Value and gradients of both, each output weighted with its own random factor. */
async function expectSame(ours: Function, plain: Function, inputs: tf.Tensor[], maxAbs = 1e-4): Promise<void> {
  const run = (f: Function) =>
    tf.tidy(() => {
      const value = f(...inputs);
      const factors = randomTensor(value.shape, 'factors');
      const gradients = tf.grads((...xs) => tf.sum(tf.mul(f(...xs), factors)))(inputs);
      return [value, ...gradients].map((tensor) => tensor.dataSync() as Float32Array);
    });
  await expectNoLeak(tf, () => {
    const [actual, expected] = [run(ours), run(plain)];
    expect(actual.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
    for (const [i, values] of actual.entries()) expectClose(values, expected[i] as Float32Array, { maxAbs });
  });
  tf.dispose(inputs);
}

type Window = { kernel: number; stride: number };

const convolve =
  (window: Window, isDepthwise: boolean, padding: 'symmetric' | 'same' = 'symmetric'): Function =>
  (x, w) =>
    opsOf().convolution(x as tf.Tensor, w as tf.Tensor, { ...window, padding, isDepthwise }) as tf.Tensor;

const sides = [7, 8, 13, 16];
const geometries = [1, 3, 5].flatMap((kernel) =>
  [1, 2].flatMap((stride) => sides.map((side) => ({ kernel, stride, side }))),
);

function padded(x: tf.Tensor, kernel: number): tf.Tensor4D {
  const p = (kernel - 1) / 2;
  return tf.pad(x as tf.Tensor4D, [
    [0, 0],
    [p, p],
    [p, p],
    [0, 0],
  ]);
}

test.each(geometries)(
  'a convolution pads every side alike: $kernel, stride $stride, side $side',
  async ({ kernel, stride, side }) => {
    await expectSame(
      convolve({ kernel, stride }, false),
      (x, w) => tf.conv2d(padded(x, kernel), w as tf.Tensor4D, stride, 'valid'),
      [randomTensor([2, side, side, 3], 'x'), randomTensor([kernel, kernel, 3, 4], 'w')],
    );
  },
);

test.each(geometries)(
  'so does one filter per channel: $kernel, stride $stride, side $side',
  async ({ kernel, stride, side }) => {
    await expectSame(
      convolve({ kernel, stride }, true),
      (x, w) => tf.depthwiseConv2d(padded(x, kernel), w as tf.Tensor4D, stride, 'valid'),
      [randomTensor([2, side, side, 6], 'x'), randomTensor([kernel, kernel, 6, 1], 'w')],
    );
  },
);

test.each(geometries)(
  "TensorFlow's own padding: $kernel, stride $stride, side $side",
  async ({ kernel, stride, side }) => {
    const inputs = () => [randomTensor([2, side, side, 3], 'x'), randomTensor([kernel, kernel, 3, 1], 'w')];
    await expectSame(
      convolve({ kernel, stride }, false, 'same'),
      (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, 'same'),
      inputs(),
    );
    await expectSame(
      convolve({ kernel, stride }, true, 'same'),
      (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, 'same'),
      inputs(),
    );
  },
);

const silu: Function = (x) => opsOf().silu(x as tf.Tensor) as tf.Tensor;
const gelu: Function = (x) => opsOf().gelu(x as tf.Tensor) as tf.Tensor;
const plainSilu = (x: tf.Tensor) => tf.mul(x, tf.sigmoid(x));
const plainGelu = (x: tf.Tensor) => tf.mul(x, tf.mul(tf.add(tf.erf(tf.div(x, Math.SQRT2)), 1), 0.5));

test.each([
  ['silu', silu, plainSilu],
  ['gelu', gelu, plainGelu],
] as [string, Function, Function][])('%s and its derivative, far from 0 too', async (_, ours, plain) => {
  await expectSame(ours, plain, [tf.linspace(-30, 30, 1001)], 1e-5);
});

test('layer norm', async () => {
  const plain: Function = (x, scale, offset) => {
    const { mean, variance } = tf.moments(x, -1, true);
    return tf.add(
      tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-12))), scale as tf.Tensor),
      offset as tf.Tensor,
    );
  };
  const ours: Function = (x, weight, bias) =>
    opsOf({ 'n.weight': weight as tf.Tensor, 'n.bias': bias as tf.Tensor }).layerNorm(x as tf.Tensor, {
      name: 'n',
      epsilon: 1e-12,
    }).y as tf.Tensor;
  await expectSame(ours, plain, [
    randomTensor([9, 33], 'x'),
    randomTensor([33], 'scale'),
    randomTensor([33], 'offset'),
  ]);
});

function normalised(x: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, [scale, offset]: tf.Tensor[]): tf.Tensor {
  const normal = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-3)));
  return tf.add(tf.mul(normal, scale as tf.Tensor), offset as tf.Tensor);
}

test.each([true, false])('batch norm, in training: %s', async (training) => {
  const mean = randomTensor([5], 'mean');
  const variance = tf.tidy(() => tf.square(randomTensor([5], 'variance')));
  const running = { 'n.running_mean': mean, 'n.running_var': variance };
  const ours: Function = (x, weight, bias) => {
    const weights = { 'n.weight': weight as tf.Tensor, 'n.bias': bias as tf.Tensor, ...running };
    return opsOf(weights, { training }).batchNorm(x as tf.Tensor, { name: 'n', epsilon: 1e-3 }).y as tf.Tensor;
  };
  const plain: Function = (x, ...affine) => {
    const batch = tf.moments(x as tf.Tensor, [0, 1, 2]);
    return training ? normalised(x, batch.mean, batch.variance, affine) : normalised(x, mean, variance, affine);
  };
  await expectSame(ours, plain, [
    randomTensor([3, 4, 4, 5], 'x'),
    randomTensor([5], 'scale'),
    randomTensor([5], 'offset'),
  ]);
  tf.dispose([mean, variance]);
});

test('batch norm moves its statistics a tenth of the way, to the unbiased variance', () => {
  const x = Float32Array.of(1, 2, 3, 6); // mean 3, unbiased variance 14 / 3
  const weights = {
    'n.weight': tf.ones([1]),
    'n.bias': tf.zeros([1]),
    'n.running_mean': tf.tensor1d([10]),
    'n.running_var': tf.tensor1d([2]),
  };
  const moved: Record<string, number> = {};
  const moveStatistic = (name: string, value: tf.Tensor) => {
    moved[name] = value.dataSync()[0] as number;
    value.dispose();
  };
  tf.tidy(
    () =>
      opsOf(weights, { moveStatistic }).batchNorm(tf.tensor4d(x, [1, 2, 2, 1]), { name: 'n', epsilon: 1e-5 })
        .y as tf.Tensor,
  );
  expect(moved['n.running_mean']).toBeCloseTo(0.9 * 10 + 0.1 * 3, 5);
  expect(moved['n.running_var']).toBeCloseTo(0.9 * 2 + (0.1 * 14) / 3, 5);
  tf.dispose(weights);
});

const valuesOf = (make: () => tf.Tensor) => [...tf.tidy(() => make().dataSync())];

test('dropout keeps its share of elements and their sum, in places that follow from seed and site', () => {
  const ones = tf.ones([100, 200]);
  const drop = (changes: Partial<Pass> = {}, site = 'here') =>
    valuesOf(() => opsOf({}, changes).dropout(ones, { rate: 0.3, site, of: 'elements' }).y as tf.Tensor);
  const values = drop();
  expect(new Set(values)).toEqual(new Set([0, Math.fround(1 / 0.7)]));
  expect(values.reduce((sum, x) => sum + x, 0) / values.length).toBeCloseTo(1, 1);
  expect(drop()).toEqual(values);
  expect(drop({ seed: 4 })).not.toEqual(values);
  expect(drop({}, 'there')).not.toEqual(values);
  expect(new Set(drop({ training: false }))).toEqual(new Set([1]));
  ones.dispose();
});

test('stochastic depth drops samples as a whole', () => {
  const ones = tf.ones<tf.Rank.R4>([500, 2, 2, 3]);
  const values = valuesOf(() => opsOf().dropout(ones, { rate: 0.2, site: 'block', of: 'samples' }).y as tf.Tensor);
  const samples = Array.from({ length: 500 }, (_, i) => new Set(values.slice(i * 12, (i + 1) * 12)));
  expect(samples.every(({ size }) => size === 1)).toBe(true);
  expect(samples.filter((sample) => sample.has(0)).length / 500).toBeCloseTo(0.2, 1);
  expect(new Set(values)).toEqual(new Set([0, 1.25]));
  ones.dispose();
});

test('noise is the same on every machine and in every version: resumed runs depend on it', () => {
  expectClose(
    valuesOf(() => uniformNoise([4], 42, 'site')),
    [0.2281816005706787, 0.5516798496246338, 0.6184616088867188, 0.12119591236114502],
    { maxAbs: 1e-7 },
  );
});
