import { type Preprocessing, defaultPreprocessing as p } from '@crosscheck/contract';
import { difference } from '@crosscheck/testkit';
import { describe, expect, it } from 'vitest';
import { normalizeImage, padTokenIds } from '../src/index.ts';

describe('normalizeImage', () => {
  const pixels = Uint8Array.from({ length: 4 * 4 * 3 }, (_, i) => (i * 37) % 256);
  const reference = (value: number, channel: number, q: Preprocessing) =>
    (value / 255 - (q.mean[channel] as number)) / (q.std[channel] as number);

  it('gives (value / 255 − mean) / std in pixel order (NHWC)', () => {
    const out = new Float32Array(48);
    normalizeImage(pixels, p, 'nhwc', out);
    const expected = Array.from(pixels, (value, i) => reference(value, i % 3, p));
    expect(difference(out, expected).maxAbs).toBeLessThan(1e-6);
  });

  it('gives the same in channel order (NCHW), from an offset on', () => {
    const [nhwc, nchw] = [new Float32Array(48), new Float32Array(100).fill(7)];
    normalizeImage(pixels, p, 'nhwc', nhwc);
    normalizeImage(pixels, p, 'nchw', nchw, 50);
    for (let channel = 0; channel < 3; channel++) {
      for (let i = 0; i < 16; i++) expect(nchw[50 + channel * 16 + i]).toBe(nhwc[i * 3 + channel]);
    }
    expect([...nchw.subarray(0, 50), ...nchw.subarray(98)].every((value) => value === 7)).toBe(true);
  });

  it('follows the mean and standard deviation that it is given', () => {
    const half: Preprocessing = { ...p, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
    const out = new Float32Array(6);
    normalizeImage(Uint8Array.of(0, 255, 0, 255, 0, 255), half, 'nhwc', out);
    expect([...out]).toEqual([-1, 1, -1, 1, -1, 1]);
  });
});

describe('padTokenIds', () => {
  const rows = [Int32Array.of(2, 9, 3), Int32Array.of(2, 8, 7, 6, 3)];

  it('pads to the longest row', () => {
    const { inputIds, attentionMask, length } = padTokenIds(rows, 1);
    expect(length).toBe(5);
    expect([...inputIds]).toEqual([2, 9, 3, 1, 1, 2, 8, 7, 6, 3]);
    expect([...attentionMask]).toEqual([1, 1, 1, 0, 0, 1, 1, 1, 1, 1]);
  });

  it('pads to a given length, but never cuts', () => {
    expect(padTokenIds(rows, 0, 8).length).toBe(8);
    expect(padTokenIds(rows, 0, 2).length).toBe(5);
    expect(padTokenIds([], 0, 4)).toEqual({ inputIds: new Int32Array(0), attentionMask: new Int32Array(0), length: 4 });
  });
});
