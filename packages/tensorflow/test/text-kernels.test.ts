// The kernels of texts against TensorFlow's operations.
import { expectClose, expectNoLeak } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import { attribute, executeKernel, executeKernels, hasOwnKernels, tf } from '../src/index.ts';
import { nearWithin } from './near.ts';

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

const expectNear = nearWithin(2e-6);

const inScope = (body: () => void) => expectNoLeak(tf, () => tf.tidy(body));

describe.skipIf(!hasOwnKernels)('GELU', () => {
  test.each([1, 15, 1000, 4099])('over %i numbers from −15 to 15', async (count) => {
    await inScope(() => {
      const x = tf.linspace(-15, 15, count);
      const dy = normal([count], 1);
      const gelu = (x: tf.Tensor) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.div(x, Math.SQRT2)), 1));
      expectNear(executeKernel('CrosscheckGelu', [], [x]), gelu(x));
      expectNear(executeKernel('CrosscheckGeluGradient', [], [dy, x]), tf.grad(gelu)(x, dy));
    });
  });

  test('the lower tail keeps its digits', async () => {
    await inScope(() => {
      const y = executeKernel('CrosscheckGelu', [], [tf.tensor1d([-3, -5, -8])]).dataSync();
      // x · Φ(x) in 20 digits
      for (const [i, exact] of [-4.0496940948902e-3, -1.4332578593959e-6, -4.9767704609e-15].entries())
        expect((y[i] as number) / exact).toBeCloseTo(1, 5);
    });
  });
});

describe.skipIf(!hasOwnKernels)('layer norm', () => {
  const shapes: [number, number][] = [
    [1, 5],
    [2, 16],
    [37, 40],
    [64, 768],
  ];

  test.each(shapes.flatMap(([N, H]) => [0, 50].map((offset) => ({ N, H, offset }))))(
    'there, once more and back: [$N, $H], offset $offset',
    async ({ N, H, offset }) => {
      await inScope(() => {
        const x = tf.add(normal([N, H], 1), offset);
        const [dy, weight, bias] = [normal([N, H], 2), normal([H], 3), normal([H], 4)] as const;
        const norm = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) => {
          const { mean, variance } = tf.moments(x, 1, true);
          return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5))), weight), bias);
        };
        const epsilon = [attribute.float('epsilon', 1e-5)];
        const [y, mean, std] = executeKernels('CrosscheckLayerNorm', epsilon, [x, weight, bias], 3) as tf.Tensor[];
        const share = offset === 0 ? 5e-6 : 1e-4;
        expectNear(y, norm(x, weight, bias), share);
        const statistics = [mean, std] as [tf.Tensor, tf.Tensor];
        expectNear(executeKernel('CrosscheckLayerNormAgain', [], [x, weight, bias, ...statistics]), y as tf.Tensor, 0);
        const gradients = executeKernels('CrosscheckLayerNormGradient', [], [dy, x, weight, ...statistics], 3);
        for (const [i, expected] of tf.grads(norm)([x, weight, bias], dy).entries())
          expectNear(gradients[i], expected, 10 * share);
      });
    },
  );
});

const uniform = (shape: number[], key: tf.Tensor) =>
  executeKernel('StatelessRandomUniform', [attribute.type('dtype', 1)], [tf.tensor1d(shape, 'int32'), key]);
const survivors = (shape: number[], key: tf.Tensor, rate: number) =>
  tf.mul(tf.cast(tf.greaterEqual(uniform(shape, key), rate), 'float32'), 1 / (1 - rate));

describe.skipIf(!hasOwnKernels)('dropout of rows', () => {
  test.each([
    { rows: 1, width: 1, key: [0, 0] },
    { rows: 9, width: 7, key: [1, -1] },
    { rows: 50, width: 64, key: [-2147483648, 2147483647] },
    { rows: 33, width: 770, key: [123456789, -987654321] },
  ])("with the very masks of TensorFlow's generator: $rows × $width, key $key", async ({ rows, width, key }) => {
    await inScope(() => {
      const seed = tf.tensor1d(key, 'int32');
      const places = tf.tensor1d(
        Array.from({ length: rows }, (_, i) => i).filter((i) => i % 3 !== 1),
        'int32',
      );
      const x = normal([places.size, width], 1);
      for (const rate of [0.1, 0.5]) {
        const dropped = executeKernel('CrosscheckDropRows', [attribute.float('rate', rate)], [x, places, seed]);
        const mask = tf.gather(survivors([rows, width], seed, rate), places);
        expectNear(dropped, tf.mul(x, mask), 2e-7);
      }
    });
  });
});

describe.skipIf(!hasOwnKernels)('attention', () => {
  interface Case {
    lengths: number[];
    heads: number;
    features: number;
    rate: number;
    /** Hides the last token of every text from the others. */
    hidesLast?: boolean;
  }
  const cases: Case[] = [
    { lengths: [1], heads: 1, features: 1, rate: 0 },
    { lengths: [3, 1, 5], heads: 2, features: 4, rate: 0 },
    { lengths: [3, 1, 5], heads: 2, features: 4, rate: 0.3 },
    { lengths: [17, 33, 2, 16], heads: 3, features: 10, rate: 0.1 },
    { lengths: [40, 7], heads: 12, features: 64, rate: 0.1 },
    { lengths: [6, 9], heads: 2, features: 8, rate: 0.2, hidesLast: true },
  ];

  test.each(cases.flatMap((of) => [true, false].map((all) => ({ ...of, all }))))(
    'lengths $lengths, $heads heads of $features, rate $rate, hidden $hidesLast, every row $all',
    async ({ lengths, heads, features, rate, hidesLast = false, all }) => {
      await inScope(() => {
        const L = Math.max(...lengths) + 2;
        const H = heads * features;
        const places = lengths.flatMap((length, b) => Array.from({ length }, (_, i) => b * L + i));
        const firsts = lengths.map((_, b) => places.indexOf(b * L));
        const isHidden = (place: number) => hidesLast && !places.includes(place + 1);
        const bias = places.map((place) => (isHidden(place) ? -1e9 : 0));
        const seed = tf.tensor1d([5, 6], 'int32');
        const [key, value] = [normal([places.length, H], 2), normal([places.length, H], 3)] as const;
        const query = normal([all ? places.length : lengths.length, H], 1);
        const dy = normal(query.shape, 4);
        const mask = survivors([lengths.length, heads, L, L], seed, rate).arraySync() as number[][][][];

        const plain = (query: tf.Tensor, key: tf.Tensor, value: tf.Tensor) => {
          const contexts = lengths.map((length, b) => {
            const start = firsts[b] as number;
            const asked = all ? ([start, length] as const) : ([b, 1] as const);
            const perHead = Array.from({ length: heads }, (_, h) => {
              const of = (x: tf.Tensor, from: number, count: number) =>
                tf.slice(x as tf.Tensor2D, [from, h * features], [count, features]);
              const scores = tf.matMul(of(query, ...asked), of(key, start, length), false, true);
              const hidden = tf.tensor1d(bias.slice(start, start + length));
              const weights = tf.softmax(tf.add(tf.div(scores, Math.sqrt(features)), hidden));
              const rows = mask[b]?.[h] ?? [];
              const drawn = tf.tensor2d(rows.slice(0, asked[1]).map((row) => row.slice(0, length)));
              return tf.matMul(tf.mul(weights, drawn), of(value, start, length));
            });
            return tf.concat(perHead, 1);
          });
          return tf.concat(contexts, 0);
        };

        const attributes = [attribute.int('heads', heads), attribute.int('length', L), attribute.float('rate', rate)];
        const rest = [tf.tensor1d(places, 'int32'), tf.tensor1d(bias), seed];
        const context = executeKernel('CrosscheckAttention', attributes, [query, key, value, ...rest]);
        expectNear(context, plain(query, key, value), 5e-6);
        const inputs = [dy, query, key, value, ...rest];
        const actual = executeKernels('CrosscheckAttentionGradient', attributes, inputs, 3);
        const expected = tf.grads(plain)([query, key, value], dy);
        const largest = Math.max(...expected.map((g) => tf.max(tf.abs(g)).dataSync()[0] as number));
        for (const [i, gradient] of expected.entries())
          expectClose(actual[i]?.dataSync() as Float32Array, gradient.dataSync() as Float32Array, {
            maxAbs: 1e-5 * largest,
          });
      });
    },
  );
});
