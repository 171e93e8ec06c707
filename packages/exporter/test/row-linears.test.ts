import { createRandom } from '@crosscheck/contract';
import { openTensorSession } from '@crosscheck/inference';
import type { Graph } from '@crosscheck/network';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, expect, test } from 'vitest';
import { writeOnnxModel } from '../src/onnx/write-model.ts';
import { quantizeRows, type RowRounding } from '../src/quantize/row-linears.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const [inputs, outputs, rows] = [64, 24, 6];
const far = 5; // the channel that lies far out
const random = createRandom('row linears');
const normal = () => random.next() + random.next() + random.next() - 1.5;
const matrix = Float32Array.from({ length: outputs * inputs }, normal); // [out, in]
const bias = Float32Array.from({ length: outputs }, normal);

const layer = (): Graph => ({
  name: 'layer',
  doc: '',
  nodes: [{ op: 'Gemm', name: 'layer', inputs: ['x', 'weight', 'bias'], outputs: ['y'], attributes: { transB: 1 } }],
  initializers: [
    { name: 'weight', type: 'float32', shape: [outputs, inputs], read: async () => matrix },
    { name: 'bias', type: 'float32', shape: [outputs], read: async () => bias },
  ],
  inputs: [{ name: 'x', type: 'float32', shape: ['rows', inputs] }],
  outputs: [{ name: 'y', type: 'float32', shape: ['rows', outputs] }],
});

const plain: RowRounding = { smoothing: new Float32Array(inputs).fill(1), outliers: [], isPositive: false };

let models = 0;
async function run(x: Float32Array, rounding: RowRounding): Promise<Float32Array> {
  const graph = quantizeRows(layer(), { isQuantized: () => true, roundings: new Map([['x', rounding]]) });
  const file = `${dir}/${models++}.onnx`;
  await writeOnnxModel(file, graph, { opset: 18, producerVersion: '', metadata: {} });
  const session = await openTensorSession(file, { threads: 1 });
  try {
    const { y } = await session.run({ x: { data: x, shape: [x.length / inputs, inputs] } });
    return y as Float32Array;
  } finally {
    await session.close();
  }
}

const exactly = (x: Float32Array): number[] =>
  Array.from({ length: (x.length / inputs) * outputs }, (_, at) => {
    const [row, o] = [Math.floor(at / outputs), at % outputs];
    let sum = bias[o] as number;
    for (let k = 0; k < inputs; k++) sum += (x[row * inputs + k] as number) * (matrix[o * inputs + k] as number);
    return sum;
  });

/** Root of the mean squared difference. */
const errorOf = (got: Float32Array, x: Float32Array): number => {
  const want = exactly(x);
  return Math.sqrt(want.reduce((sum, value, i) => sum + (value - (got[i] as number)) ** 2, 0) / want.length);
};

const draw = (value: () => number) => Float32Array.from({ length: rows * inputs }, value);

test('a layer in int8 is the layer within what its steps allow', async () => {
  const x = draw(normal);
  // 64 products, each off by a step's share of activations (1.5 / 127) and of weights, evenly spread over a step
  expect(errorOf(await run(x, plain), x)).toBeLessThan(0.04);
});

test('a row of zeros gives the bias, and each row is what it is alone', async () => {
  const x = draw(normal);
  x.fill(0, inputs, 2 * inputs);
  const together = await run(x, plain);
  expect([...together.subarray(outputs, 2 * outputs)]).toEqual([...bias]);
  for (let row = 0; row < rows; row++) {
    const alone = await run(x.slice(row * inputs, (row + 1) * inputs), plain);
    expect([...alone]).toEqual([...together.subarray(row * outputs, (row + 1) * outputs)]);
  }
});

test('an outlier takes the steps from the other channels, unless it is multiplied in fp32', async () => {
  const x = draw(normal);
  for (let row = 0; row < rows; row++) x[row * inputs + far] = 60;
  const [lost, kept] = [await run(x, plain), await run(x, { ...plain, outliers: [far] })];
  expect(errorOf(kept, x)).toBeLessThan(0.04);
  expect(errorOf(lost, x)).toBeGreaterThan(10 * errorOf(kept, x));
});

test('smoothing changes nothing but the rounding, and values that are never negative have twice the steps', async () => {
  const x = draw(() => random.next());
  const uneven = plain.smoothing.map((_, k) => 1 + (k % 3));
  expect(errorOf(await run(x, { ...plain, smoothing: uneven }), x)).toBeLessThan(0.1);
  const coarse = errorOf(await run(x, plain), x);
  expect(errorOf(await run(x, { ...plain, isPositive: true }), x)).toBeLessThan(coarse);
});
