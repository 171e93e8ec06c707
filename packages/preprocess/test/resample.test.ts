import { describe, expect, it } from 'vitest';
import { resample } from '../src/image/resample.ts';
import { coefficientsFor } from '../src/image/resample-coefficients.ts';

/** The same arithmetic, one number at a time. */
function resampleAxis(row: number[], outSize: number): number[] {
  const { first, count, weights, stride } = coefficientsFor(row.length, outSize);
  return Array.from({ length: outSize }, (_, x) => {
    let sum = 2 ** 21;
    for (let i = 0; i < (count[x] as number); i++) {
      sum += (row[(first[x] as number) + i] as number) * (weights[x * stride + i] as number);
    }
    return Math.floor(sum / 2 ** 22);
  });
}

describe('resample', () => {
  it.each([
    [37, 5],
    [5, 37],
    [1, 9],
    [900, 7],
    [64, 64],
    [65, 64],
    [3000, 224],
  ])('resamples %i pixels to %i along both axes as plain numbers do', (length, size) => {
    const row = Array.from({ length }, (_, i) => (i * i * 31 + i * 7) % 256);
    const expected = resampleAxis(row, size);
    const wide = Uint8Array.from(row.flatMap((value) => [value, 255 - value, value >> 1]));
    const channel = (pixels: Uint8Array, c: number) => Array.from({ length: size }, (_, x) => pixels[x * 3 + c]);
    const across = resample({ data: wide, width: length, height: 1 }, size);
    expect(channel(across, 0)).toEqual(expected);
    expect(channel(across, 1)).toEqual(
      resampleAxis(
        row.map((value) => 255 - value),
        size,
      ),
    );
    const down = resample({ data: wide, width: 1, height: length }, size);
    expect(Array.from({ length: size }, (_, y) => down[y * size * 3])).toEqual(expected);
  });

  it('keeps a flat picture flat, black and white included', () => {
    for (const value of [0, 1, 128, 254, 255]) {
      const flat = { data: new Uint8Array(91 * 57 * 3).fill(value), width: 91, height: 57 };
      expect(resample(flat, 24).every((v) => v === value)).toBe(true);
    }
  });
});
