import { createRandom } from '@crosscheck/contract';
import type { Graph } from '@crosscheck/network';
import { expectClose } from '@crosscheck/testkit';
import { expect, test } from 'vitest';
import { buildClassifierGraph, randomWeights } from '../src/index.ts';
import { channelScales, firstAxis, lastAxis, quantizeChannels } from '../src/quantize/channels.ts';
import { GraphDraft } from '../src/quantize/graph-draft.ts';
import { halveWeights, toHalfBits } from '../src/quantize/halve.ts';
import { outliersOf } from '../src/quantize/outliers.ts';
import { smoothingOf } from '../src/quantize/smoothing.ts';
import { addOuterProducts, roundWithGptq } from '../src/quantize/static/gptq.ts';
import { RangeHistogram } from '../src/quantize/static/range-histogram.ts';
import { tinyArchitecture, tinyPreprocessing } from './tiny-artifact.ts';

// Expected bits are Python's struct.pack('<e', …).
test.each([
  [0, 0x0000],
  [-0, 0x8000],
  [1, 0x3c00],
  [-2, 0xc000],
  [0.1, 0x2e66],
  [1 / 3, 0x3555],
  [65504, 0x7bff],
  [65520, 0x7c00],
  [1e30, 0x7c00],
  [-1e30, 0xfc00],
  [2 ** -14, 0x0400],
  [2 ** -24, 0x0001],
  [2 ** -25, 0x0000], // a tie, to even
  [3 * 2 ** -25, 0x0002],
  [6.0975e-5, 0x03ff],
  [1 + 2 ** -11, 0x3c00], // a tie, to even
  [1 + 3 * 2 ** -11, 0x3c02],
  [Number.POSITIVE_INFINITY, 0x7c00],
])('%f is stored as the half %i', (value, bits) => {
  expect([...toHalfBits(Float32Array.of(value))]).toEqual([bits]);
});

test('NaN stays NaN as a half', () => {
  const [bits] = toHalfBits(Float32Array.of(Number.NaN)) as unknown as [number];
  expect((bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0).toBe(true);
});

test('each output channel gets its own steps, and comes back within half a step', () => {
  const values = Float32Array.of(1, -4, 0.5, 0.001, -0.002, 0.0005, 0, 0, 0); // 3 channels along the first axis
  const layout = firstAxis([3, 3, 1, 1]);
  const scales = channelScales(values, layout);
  expectClose([...scales], [4 / 127, 0.002 / 127, 1], { maxAbs: 1e-7 });
  const back = [...quantizeChannels(values, scales, layout)].map((q, i) => q * (scales[Math.floor(i / 3)] as number));
  back.forEach((value, i) => {
    expect(Math.abs(value - (values[i] as number))).toBeLessThanOrEqual(
      (scales[Math.floor(i / 3)] as number) / 2 + 1e-9,
    );
  });
});

test('a matrix has its channels along the last axis', () => {
  const layout = lastAxis([2, 3]);
  const values = Float32Array.of(1, 2, 3, -4, 1, 0);
  const scales = channelScales(values, layout);
  expectClose([...scales], [4 / 127, 2 / 127, 3 / 127], { maxAbs: 1e-7 });
  expect([...quantizeChannels(values, scales, layout)]).toEqual([32, 127, 127, -127, 64, 0]);
});

test('the range of a histogram holds all values, and cuts rare ones off at a percentile', () => {
  const histogram = new RangeHistogram();
  for (let part = 0; part < 10; part++) {
    histogram.observe(Float32Array.from({ length: 10_000 }, (_, i) => Math.sin(i + part)));
  }
  histogram.observe(Float32Array.of(1000, -300));
  const all = histogram.range(100);
  expect([all.low, all.high].map(Math.round)).toEqual([-300, 1000]);
  const most = histogram.range(99.99);
  expect(most.low).toBeGreaterThan(-1.3);
  expect(most.low).toBeLessThanOrEqual(-1);
  expect(most.high).toBeGreaterThanOrEqual(1);
  expect(most.high).toBeLessThan(1.3);
});

test('one-sided values keep their side', () => {
  const histogram = new RangeHistogram();
  histogram.observe(Float32Array.from({ length: 1000 }, (_, i) => 2 + i / 1000));
  const { low, high } = histogram.range(100);
  expect([low, high].map((value) => value.toFixed(2))).toEqual(['2.00', '3.00']);
});

const graph = (): Graph =>
  buildClassifierGraph({
    architecture: tinyArchitecture,
    preprocessing: tinyPreprocessing,
    weights: randomWeights(tinyArchitecture, 7),
    opset: 18,
  });

test('of ranges that cut off ever more, the one of least error leaves a lone outlier out and keeps values that are many', () => {
  const histogram = new RangeHistogram();
  for (let part = 0; part < 100; part++)
    histogram.observe(Float32Array.from({ length: 10_000 }, (_, i) => Math.sin(i + part)));
  expect(histogram.rangeOfLeastError().high).toBeCloseTo(1, 1);
  histogram.observe(Float32Array.of(20));
  expect(histogram.rangeOfLeastError().high).toBeLessThan(2);
  for (let n = 0; n < 20_000; n++) histogram.observe(Float32Array.of(20));
  expect(histogram.rangeOfLeastError().high).toBeCloseTo(20, 1);
});

test('smoothing divides the channels that reach far, by the root, and leaves those that are nothing', () => {
  expect([...smoothingOf(Float32Array.of(100, 1, 4, 0), Float32Array.of(1, 1, 1, 1))]).toEqual([5, 0.5, 1, 1]);
});

test('GPTQ makes up for what it rounds where inputs go together, and rounds to the nearest where they do not', () => {
  const inputs = 24;
  const random = createRandom(1);
  const normal = () => random.next() + random.next() + random.next() - 1.5;
  const matrix = Float32Array.from({ length: 8 * inputs }, normal);
  const layout = firstAxis([8, inputs]);
  const scales = channelScales(matrix, layout).map((scale) => 16 * scale); // coarse, so that there is something to make up for
  const rows = Float32Array.from({ length: 400 * inputs }, () => 0);
  for (let n = 0; n < 400; n++) {
    const shared = [normal(), normal(), normal()];
    for (let k = 0; k < inputs; k++) rows[n * inputs + k] = (shared[k % 3] as number) + 0.2 * normal();
  }
  const gram = new Float64Array(inputs * inputs);
  addOuterProducts(gram, rows, inputs);
  const errorOf = (rounded: Int8Array) => {
    let sum = 0;
    for (let n = 0; n < 400; n++)
      for (let o = 0; o < 8; o++) {
        let error = 0;
        for (let k = 0; k < inputs; k++) {
          const at = o * inputs + k;
          error +=
            (rows[n * inputs + k] as number) *
            ((matrix[at] as number) - (rounded[at] as number) * (scales[o] as number));
        }
        sum += error ** 2;
      }
    return sum;
  };
  const nearest = quantizeChannels(matrix, scales, layout);
  expect(errorOf(roundWithGptq(matrix, scales, gram))).toBeLessThan(0.3 * errorOf(nearest));
  const apart = new Float64Array(inputs * inputs);
  for (let k = 0; k < inputs; k++) apart[k * inputs + k] = 1 + k;
  expect([...roundWithGptq(matrix, scales, apart)]).toEqual([...nearest]);
});

test('weights that are stored as halves keep their shapes and names a person can read', async () => {
  const halved = halveWeights(graph());
  const name = 'text_branch.backbone.embeddings.word_embeddings.weight/half';
  const words = halved.initializers.find((initializer) => initializer.name === name);
  expect(words).toMatchObject({ type: 'float16', shape: [64, 32] });
  expect(await words?.read()).toHaveLength(64 * 32);
  expect(halved.initializers.map((initializer) => initializer.name)).not.toContain(name.replace('/half', ''));
  const names = halved.nodes.map((node) => node.name);
  expect(new Set(names).size).toBe(names.length);
});

test('a draft drops the constants that nothing reads any more', () => {
  const draft = new GraphDraft(graph());
  expect(draft.finish().initializers).toEqual([]);
});

test('outliers are the channels that weigh most, one for 32 and never more than eight', () => {
  const weights = Float64Array.from({ length: 70 }, (_, channel) => (channel === 40 ? 9 : channel === 3 ? 8 : 1));
  expect(outliersOf(weights)).toEqual([3, 40]);
  expect(outliersOf(weights.subarray(0, 20))).toEqual([]);
  expect(outliersOf(new Float64Array(3072))).toHaveLength(8);
});
