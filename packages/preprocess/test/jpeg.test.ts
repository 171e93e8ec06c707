import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createRandom, isCrosscheckError } from '@crosscheck/contract';
import sharp, { type JpegOptions, type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePixels, readHeader } from '../src/image/decode-pixels.ts';
import { resample } from '../src/image/resample.ts';
import { decodeImage, openImage } from '../src/index.ts';
import { decodeJpeg } from '../src/jpeg/decode-jpeg.ts';
import { readJpegHeader } from '../src/jpeg/header.ts';
import { readOrientation } from '../src/jpeg/orientation.ts';
import { writeJpeg } from './fuzz/write-jpeg.ts';

const golden = (file: string) => readFileSync(path.join(import.meta.dirname, 'golden/pixels', file));

function decodeDirectly(file: Buffer, size: number): Uint8Array | null {
  const header = readJpegHeader(file);
  return header && decodeJpeg(file, header, size);
}

/** By libjpeg, with Pillow's arithmetic for the resize. */
async function decodeExactly(file: Buffer, size: number): Promise<Uint8Array> {
  return resample(await decodePixels(file, 'jpeg', await readHeader(file, 'jpeg'), size), size);
}

function differences(actual: Uint8Array, expected: Uint8Array) {
  const sorted = actual.map((value, i) => Math.abs(value - (expected[i] as number))).sort();
  const mean = sorted.reduce((sum, d) => sum + d, 0) / sorted.length;
  return { mean, percentile: sorted[Math.ceil(0.999 * sorted.length) - 1] as number };
}

interface Picture {
  width: number;
  height: number;
  seed: number;
}

/** Smooth colours with some noise over them, bright and dark but within what pixels can say. */
async function drawSoft({ width, height, seed }: Picture): Promise<Sharp> {
  const random = createRandom(seed);
  const raw = { width: 12, height: 9, channels: 3 as const };
  const coarse = Uint8Array.from({ length: 12 * 9 * 3 }, () => 60 + random.int(140));
  const smooth = await sharp(coarse, { raw }).resize(width, height, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer();
  const pixels = smooth.map((value) => Math.max(25, Math.min(230, value + random.int(17) - 8)));
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

async function softJpeg(picture: Picture, options: JpegOptions = {}): Promise<Buffer> {
  return (await drawSoft(picture)).jpeg({ quality: 85, ...options }).toBuffer();
}

describe('a JPEG that is decoded straight to a square', () => {
  const forms = ['420', '420-restart', '422-odd', '444-optimized', 'coarse', 'grey', 'exif-5', 'exif-6'];

  it.each(forms)("is Pillow's within a fraction of 1/255: %s", async (form) => {
    const expected = await sharp(golden(`expected/soft-${form}.jpg.webp`))
      .removeAlpha()
      .raw()
      .toBuffer();
    const actual = decodeDirectly(golden(`soft-${form}.jpg`), 80);
    const { mean, percentile } = differences(actual as Uint8Array, expected);
    expect(mean).toBeLessThan(0.45);
    expect(percentile).toBeLessThanOrEqual(3);
  });

  const shapes = [
    [224, 224, 224],
    [227, 941, 224],
    [1009, 225, 224],
    [640, 480, 97],
    [1600, 1201, 8],
    [4001, 3000, 224],
    [17, 16, 16],
  ] as const;

  it.each(shapes)('comes as libjpeg and Pillow make it: %i×%i to %i', async (width, height, size) => {
    for (const chromaSubsampling of ['4:2:0', '4:4:4']) {
      const file = await softJpeg({ width, height, seed: width }, { chromaSubsampling });
      const { mean, percentile } = differences(
        decodeDirectly(file, size) as Uint8Array,
        await decodeExactly(file, size),
      );
      expect(mean).toBeLessThan(0.5);
      expect(percentile).toBeLessThanOrEqual(3);
    }
  });

  it.each([0, 1, 60, 127, 128, 200, 254, 255])('keeps a flat picture of %i flat', async (value) => {
    const create = { width: 300, height: 260, channels: 3 as const, background: { r: value, g: value, b: value } };
    const file = await sharp({ create }).jpeg({ quality: 95 }).toBuffer();
    const flat = decodeDirectly(file, 64) as Uint8Array;
    expect(new Set(flat).size).toBe(1);
    expect(flat[0]).toBe((await decodeExactly(file, 64))[0]);
  });

  it('does not depend on what was decoded before it, or on a decoding that was given up', async () => {
    const file = await softJpeg({ width: 700, height: 500, seed: 3 });
    const first = decodeDirectly(file, 224) as Uint8Array;
    for (const other of [
      golden('soft-444-optimized.jpg'),
      golden('text-448x172.jpg'),
      alternate(-4000, 4000),
      file.subarray(0, 9000),
    ]) {
      decodeDirectly(Buffer.from(other), 61);
      expect(decodeDirectly(file, 224)).toEqual(first);
    }
  });

  it('is what decodeImage gives, and openImage tells beforehand', async () => {
    const file = await softJpeg({ width: 700, height: 500, seed: 4 });
    expect((await openImage(file, { size: 224 })).isDirect).toBe(true);
    expect(await decodeImage(file, { size: 224 })).toEqual(decodeDirectly(file, 224));
  });
});

/** A JPEG whose blocks alternate between two levels, which may be any. */
function alternate(low: number, high: number): Buffer {
  const [across, down] = [12, 10];
  const coefficients = new Int16Array(64 * across * down);
  for (let i = 0; i < across * down; i++)
    coefficients[64 * i] = Math.round(((i + Math.floor(i / across)) % 2 === 0 ? low : high) / 4) - 32;
  const quantisation = new Uint8Array(64).fill(32);
  return writeJpeg({
    width: 8 * across,
    height: 8 * down,
    sampling: [1, 1],
    quantisation: [quantisation, quantisation],
    restartUnits: 0,
    planes: [{ across, down, coefficients }],
    extra: [],
  });
}

describe('what lies beyond black and white is cut off, as every decoder does before it resizes', () => {
  const goldens = ['photo.jpg', 'photo-1024x768.jpg', 'grey.jpg', 'text-448x172.jpg', 'soft-coarse.jpg', 'odd-422.jpg'];

  it.each(goldens)('letters, saturated edges and noise: %s', async (file) => {
    for (const size of [16, 80, 150]) {
      const [actual, expected] = [decodeDirectly(golden(file), size), await decodeExactly(golden(file), size)];
      const { mean, percentile } = differences(actual as Uint8Array, expected);
      expect(mean).toBeLessThan(0.45);
      expect(percentile).toBeLessThanOrEqual(3);
    }
  });

  it.each([
    [-100, 355],
    [-120, 128],
    [255, 380],
    [-110, 370],
  ])('blocks of %i and %i of 255', async (low, high) => {
    for (const size of [8, 32, 61]) {
      const actual = decodeDirectly(alternate(low, high), size) as Uint8Array;
      expect(differences(actual, await decodeExactly(alternate(low, high), size)).percentile).toBeLessThanOrEqual(2);
    }
  });
});

describe('other pictures go to the decoder for everything', () => {
  it.each([
    [600, 2000],
    [900, 1100],
    [-4000, 4000],
  ])('when blocks lie where no picture has any: %i and %i of 255', async (low, high) => {
    const file = alternate(low, high);
    expect((await openImage(file, { size: 32 })).isDirect).toBe(true);
    expect(decodeDirectly(file, 32)).toBeNull();
    expect(await decodeImage(file, { size: 32 })).toEqual(await decodeExactly(file, 32));
  });

  it('when they are smaller than the square', async () => {
    const file = await softJpeg({ width: 300, height: 200, seed: 5 });
    expect((await openImage(file, { size: 224 })).isDirect).toBe(false);
    expect(await decodeImage(file, { size: 224 })).toEqual(await decodeExactly(file, 224));
  });

  it.each(['progressive-444.jpg', 'cmyk.jpg'])('when they are of a rarer kind: %s', (file) => {
    expect(readJpegHeader(golden(file))).toBeNull();
  });

  it('when they are cut off anywhere', async () => {
    const file = await softJpeg({ width: 300, height: 240, seed: 6 });
    for (let end = 3; end < file.length; end += 41) expect(decodeDirectly(file.subarray(0, end), 64)).toBeNull();
    for (const missing of [1, 2, 3]) {
      expect(decodeDirectly(file, 64)).not.toBeNull(); // leaves its end in the kernels' memory
      expect(decodeDirectly(file.subarray(0, file.length - missing), 64)).toBeNull();
    }
    await expect(decodeImage(file.subarray(0, file.length / 2), { size: 64 })).rejects.toMatchObject({
      code: 'CROSSCHECK_IMAGE_UNREADABLE',
    });
  });

  it('when restart markers are missing or out of turn', () => {
    const file = golden('soft-420-restart.jpg');
    const at = file.indexOf(Buffer.from([0xff, 0xd1]));
    expect(at).toBeGreaterThan(0);
    const swapped = Buffer.from(file);
    swapped[at + 1] = 0xd2;
    expect(decodeDirectly(swapped, 80)).toBeNull();
    expect(decodeDirectly(Buffer.concat([file.subarray(0, at), file.subarray(at + 2)]), 80)).toBeNull();
  });
});

it('takes any damage: there are pixels, or a reason', async () => {
  const files = [golden('soft-420.jpg'), golden('soft-420-restart.jpg'), golden('soft-444-optimized.jpg')];
  const random = createRandom(8);
  const outcomes = { pixels: 0, reasons: 0 };
  for (let i = 0; i < 600; i++) {
    const damaged = Buffer.from(files[i % files.length] as Buffer);
    // Half of the damage hits the tables, half what follows them.
    const range = i % 2 === 0 ? 700 : damaged.length;
    for (let n = 0; n < 1 + (i % 3); n++) damaged[random.int(range)] = random.int(256);
    try {
      expect(await decodeImage(damaged, { size: 80, maxPixels: 400_000 })).toHaveLength(80 * 80 * 3);
      outcomes.pixels++;
    } catch (error) {
      if (!isCrosscheckError(error)) throw error;
      outcomes.reasons++;
    }
  }
  expect(outcomes.pixels).toBeGreaterThan(100);
  expect(outcomes.reasons).toBeGreaterThan(100);
});

it('reads headers of any content and length without an exception', () => {
  const scan = golden('soft-420.jpg').subarray(2);
  const random = createRandom(9);
  for (const marker of [0xc0, 0xc1, 0xc4, 0xda, 0xdb, 0xdd, 0xe0, 0xe1, 0xee, 0xfe]) {
    for (let length = 0; length < 40; length++) {
      const bytes = Buffer.alloc(2 + Math.max(2, length), random.int(256));
      bytes.writeUInt16BE(0xff00 + marker);
      bytes.writeUInt16BE(length, 2);
      if (marker === 0xe1) bytes.write('Exif\0\0II*\0', 4, 'latin1');
      const header = readJpegHeader(Buffer.concat([Buffer.from([0xff, 0xd8]), bytes, scan]));
      expect(header === null || header.width === 384).toBe(true);
    }
  }
});

describe('readOrientation', () => {
  const tiff = (order: 'II' | 'MM', type: number, value: number) => {
    const bytes = Buffer.alloc(26);
    bytes.write(order, 'latin1');
    const put = (n: number, at: number) => (order === 'II' ? bytes.writeUInt16LE(n, at) : bytes.writeUInt16BE(n, at));
    put(42, 2);
    if (order === 'II') bytes.writeUInt32LE(8, 4);
    else bytes.writeUInt32BE(8, 4);
    put(1, 8);
    put(0x0112, 10);
    put(type, 12);
    put(1, order === 'II' ? 14 : 16);
    put(value, 18);
    return bytes;
  };

  it.each(['II', 'MM'] as const)('reads both orders of bytes: %s', (order) => {
    expect(readOrientation(tiff(order, 3, 6))).toBe(6);
  });

  it('is 1 where nothing is said, and null where readers would differ', () => {
    const silent = tiff('II', 3, 6);
    silent.writeUInt16LE(0x0110, 10);
    expect(readOrientation(silent)).toBe(1);
    expect(readOrientation(tiff('II', 3, 9))).toBeNull();
    expect(readOrientation(tiff('II', 4, 6))).toBeNull();
    const several = tiff('II', 3, 6);
    several.writeUInt32LE(2, 14);
    expect(readOrientation(several)).toBeNull();
    const twice = Buffer.concat([tiff('II', 3, 6).subarray(0, 22), tiff('II', 3, 8).subarray(10)]);
    twice.writeUInt16LE(2, 8);
    expect(readOrientation(twice)).toBeNull();
    expect(readOrientation(tiff('II', 3, 6).subarray(0, 20))).toBeNull();
    expect(readOrientation(Buffer.from('no TIFF at all'))).toBeNull();
  });
});
