import { describe, expect, test } from 'vitest';
import { depthwiseToC1hw, depthwiseToHwc1, kernelToHwio, kernelToOihw, transposeMatrix } from '../src/index.ts';

const counting = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => i);

describe('a kernel [O, I, H, W] of PyTorch', () => {
  const [O, I, H, W] = [2, 3, 4, 5];
  const oihw = counting(O * I * H * W);
  const hwio = kernelToHwio(oihw, [O, I, H, W]);

  test('has each element at its place in [H, W, I, O]', () => {
    for (const [o, i, h, w] of [
      [0, 0, 0, 1],
      [1, 2, 3, 4],
      [1, 0, 2, 3],
      [0, 2, 1, 0],
    ] as const) {
      // biome-ignore format: a table
      expect(hwio[((h * W + w) * I + i) * O + o]).toBe(((o * I + i) * H + h) * W + w);
    }
  });

  test('comes back unchanged', () => {
    expect(kernelToOihw(hwio, [O, I, H, W])).toEqual(oihw);
  });
});

test('a depthwise kernel [C, 1, H, W] becomes [H, W, C, 1] and comes back', () => {
  const c1hw = counting(3 * 2 * 2);
  const hwc1 = depthwiseToHwc1(c1hw, [3, 1, 2, 2]);
  expect([...hwc1]).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
  expect(depthwiseToC1hw(hwc1, [3, 1, 2, 2])).toEqual(c1hw);
});

test('a linear weight [out, in] becomes [in, out] and comes back', () => {
  const weight = counting(6);
  expect([...transposeMatrix(weight, 2, 3)]).toEqual([0, 3, 1, 4, 2, 5]);
  expect(transposeMatrix(transposeMatrix(weight, 2, 3), 3, 2)).toEqual(weight);
});
