import { readFileSync } from 'node:fs';
import { createRandom } from '@crosscheck/contract';
import { difference } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import { type Canvas, openCanvas } from '../src/augment/canvas.ts';
import { augment, defaultAugmentation } from '../src/index.ts';
import { compileKernels } from '../wasm/build.ts';

interface Golden {
  source: string;
  size: number;
  cases: { name: keyof typeof transforms; amount: number; pixels: string }[];
}

const golden = JSON.parse(readFileSync(`${import.meta.dirname}/golden/augmentation.json`, 'utf8')) as Golden;
const { size } = golden;

const change = (act: (canvas: Canvas, amount: number) => void) => (pixels: Uint8Array, amount: number) => {
  const canvas = openCanvas(pixels, size);
  act(canvas, amount);
  return canvas.pixels().slice();
};

const transforms = {
  flip: change((canvas) => canvas.flip()),
  rotate: change((canvas, degrees) => canvas.rotate(degrees)),
  brightness: change((canvas, factor) => canvas.brightness(factor)),
  contrast: change((canvas, factor) => canvas.contrast(factor)),
  saturation: change((canvas, factor) => canvas.saturation(factor)),
};

/** The formula of scripts/golden/augmentation.py. */
function picture(): Uint8Array {
  return Uint8Array.from({ length: size * size * 3 }, (_, i) => {
    const [y, x, c] = [Math.floor(i / 3 / size), Math.floor(i / 3) % size, i % 3];
    return x * 37 + y * 91 + c * 53 + x * y * 7;
  });
}

describe('every transform equals Pillow byte for byte', () => {
  test.each(golden.cases)('$name $amount', ({ name, amount, pixels }) => {
    expect(difference(transforms[name](picture(), amount), Buffer.from(pixels, 'hex')).maxAbs).toBe(0);
  });
});

test('the compiled kernels are those of augment.wat', async () => {
  const committed = readFileSync(`${import.meta.dirname}/../src/augment/augment-wasm.ts`, 'utf8');
  const text = (module: string) => module.replaceAll(/\s/g, '');
  expect(text(committed)).toBe(text(await compileKernels()));
});

const still = { horizontalFlip: false, rotationDegrees: 0, colorJitter: { brightness: 0, contrast: 0, saturation: 0 } };

test('an augmentation with everything off returns an equal picture', () => {
  const pixels = picture();
  expect(augment(pixels, size, still, createRandom(1))).toEqual(pixels);
});

test('the picture that came in is never changed', () => {
  const pixels = picture();
  for (let i = 0; i < 20; i++) augment(pixels, size, defaultAugmentation, createRandom(i));
  expect(pixels).toEqual(picture());
});

test('the same stream gives the same picture, another index another one', () => {
  const make = (index: number) => augment(picture(), size, defaultAugmentation, createRandom(3, 'augment', 0, index));
  expect(make(5)).toEqual(make(5));
  expect(make(5)).not.toEqual(make(6));
});

test('about half of the pictures are mirrored, and a mirrored picture is the mirror image', () => {
  const flipOnly = { ...still, horizontalFlip: true };
  const mirrored = transforms.flip(picture(), 0);
  const results = Array.from({ length: 2000 }, (_, i) => augment(picture(), size, flipOnly, createRandom(9, i)));
  const share = results.filter((result) => Buffer.compare(result, mirrored) === 0).length / results.length;
  const untouched = results.filter((result) => Buffer.compare(result, picture()) === 0).length / results.length;
  expect(share).toBeGreaterThan(0.46);
  expect(share).toBeLessThan(0.54);
  expect(share + untouched).toBe(1);
});

test('switching rotation off leaves the flip and the colours as they were', () => {
  const gray = new Uint8Array(size * size * 3).fill(120);
  const mean = (pixels: Uint8Array) => pixels[(size * size * 3 - 1) / 2];
  for (let i = 0; i < 20; i++) {
    const rotated = augment(gray, size, defaultAugmentation, createRandom(i));
    const upright = augment(gray, size, { ...defaultAugmentation, rotationDegrees: 0 }, createRandom(i));
    // Black corners shift the mean luma that contrast blends with, by at most their share.
    expect(Math.abs((mean(rotated) as number) - (mean(upright) as number))).toBeLessThanOrEqual(8);
  }
});

test('rotation fills with black only where the source has no pixel', () => {
  const white = new Uint8Array(size * size * 3).fill(255);
  const rotated = transforms.rotate(white, 15);
  expect(new Set(rotated)).toEqual(new Set([0, 255]));
  expect(rotated.subarray(0, 3)).toEqual(Uint8Array.of(0, 0, 0));
  const back = transforms.rotate(transforms.rotate(picture(), 90), -90);
  expect(difference(back, picture()).maxAbs).toBe(0);
});

test('brightness factors stay within the configured range', () => {
  const gray = new Uint8Array(size * size * 3).fill(100);
  const bright = { ...still, colorJitter: { brightness: 0.2, contrast: 0, saturation: 0 } };
  const values = Array.from({ length: 500 }, (_, i) => augment(gray, size, bright, createRandom(4, i))[0] as number);
  expect(Math.min(...values)).toBeGreaterThanOrEqual(79);
  expect(Math.max(...values)).toBeLessThanOrEqual(120);
  expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(35);
});
