import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../src/index.ts';

interface Case {
  file: string;
  width: number;
  height: number;
  mode: string;
  size: number;
  /** Bit for bit; the others come through another decoder (AVIF) or are shrunk in two steps (over 6 megapixels). */
  exact: boolean;
  sha256: string;
}

const folder = path.join(import.meta.dirname, 'golden/pixels');
const golden = JSON.parse(readFileSync(path.join(folder, 'pixels.json'), 'utf8')) as { cases: Case[] };

/** Mean and 99.9th percentile of |Δ|, in 255ths. */
function distance(actual: Uint8Array, expected: Uint8Array) {
  expect(actual.length).toBe(expected.length);
  const differences = actual.map((value, i) => Math.abs(value - (expected[i] as number))).sort();
  const mean = differences.reduce((sum, d) => sum + d, 0) / differences.length;
  return { mean, percentile: differences[Math.ceil(0.999 * differences.length) - 1] as number };
}

// libheif interpolates the chroma of 4:2:0 AVIF differently from libavif, which shows at hard coloured edges.
const percentileLimits: Record<string, number> = { '420.avif': 8 };

describe("pictures, against Pillow's exif_transpose, convert('RGB') and antialiased bilinear resize", () => {
  it('covers at least 20 pictures', () => {
    expect(golden.cases.length).toBeGreaterThanOrEqual(20);
  });

  it.each(golden.cases)(
    '$file ($mode, $width×$height) is within 1/255 on average and 4/255 at the 99.9th percentile',
    async (c) => {
      const actual = await decodeImage(path.join(folder, c.file), { size: c.size });
      const expected = await sharp(path.join(folder, `expected/${c.file}.webp`))
        .removeAlpha()
        .raw()
        .toBuffer();
      const { mean, percentile } = distance(actual, expected);
      expect(mean).toBeLessThanOrEqual(1);
      expect(percentile).toBeLessThanOrEqual(percentileLimits[c.file] ?? 4);
    },
  );

  it.each(golden.cases.filter((c) => c.exact))('$file is bit for bit the same at 224×224', async (c) => {
    const actual = await decodeImage(readFileSync(path.join(folder, c.file)), { size: 224 });
    expect(createHash('sha256').update(actual).digest('hex')).toBe(c.sha256);
  });
});
