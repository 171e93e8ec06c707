import type { Random } from '@crosscheck/contract';
import type { Augmentation } from './augment.ts';

type Jitter = Augmentation['colorJitter'];

const operations = ['brightness', 'contrast', 'saturation'] as const;

const adjust: Record<(typeof operations)[number], (pixels: Uint8Array, factor: number) => void> = {
  brightness: adjustBrightness,
  contrast: adjustContrast,
  saturation: adjustSaturation,
};

/**
 * Brightness, contrast and saturation in random order, rounded to bytes after each, as torchvision's ColorJitter on a Pillow image.
 *
 * @param pixels [S, S, 3] uint8 RGB, changed in place and returned
 */
export function jitterColor(pixels: Uint8Array, jitter: Jitter, random: Random): Uint8Array {
  const order = random.shuffle([...operations]);
  const factor = (amount: number) => random.uniform(Math.max(0, 1 - amount), 1 + amount);
  const factors = {
    brightness: factor(jitter.brightness),
    contrast: factor(jitter.contrast),
    saturation: factor(jitter.saturation),
  };
  for (const operation of order) if (jitter[operation] > 0) adjust[operation](pixels, factors[operation]);
  return pixels;
}

/** Blends with black; factor 1 changes nothing. In place. */
export function adjustBrightness(pixels: Uint8Array, factor: number): void {
  applyTable(pixels, blendTable(0, factor));
}

/** Blends with the mean luma of the picture. In place. */
export function adjustContrast(pixels: Uint8Array, factor: number): void {
  let sum = 0;
  for (let i = 0; i < pixels.length; i += 3) sum += luma(pixels, i);
  const mean = Math.floor(sum / (pixels.length / 3) + 0.5);
  applyTable(pixels, blendTable(mean, factor));
}

/** Blends every pixel with its own luma. In place. */
export function adjustSaturation(pixels: Uint8Array, factor: number): void {
  const f = Math.fround(factor);
  for (let i = 0; i < pixels.length; i += 3) {
    const gray = luma(pixels, i);
    pixels[i] = blend(gray, pixels[i] as number, f);
    pixels[i + 1] = blend(gray, pixels[i + 1] as number, f);
    pixels[i + 2] = blend(gray, pixels[i + 2] as number, f);
  }
}

/** Pillow's `convert("L")`: ITU-R 601-2 in 16-bit fixed point. */
function luma(pixels: Uint8Array, i: number): number {
  const r = pixels[i] as number;
  const g = pixels[i + 1] as number;
  const b = pixels[i + 2] as number;
  return (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
}

/** Pillow's `Image.blend` of one byte: float32 arithmetic, clipped, cut (not rounded). */
function blend(from: number, to: number, factor: number): number {
  const value = Math.fround(from + Math.fround(factor * (to - from)));
  return value <= 0 ? 0 : value >= 255 ? 255 : value | 0;
}

function blendTable(from: number, factor: number): Uint8Array {
  const f = Math.fround(factor);
  return Uint8Array.from({ length: 256 }, (_, value) => blend(from, value, f));
}

function applyTable(pixels: Uint8Array, table: Uint8Array): void {
  for (let i = 0; i < pixels.length; i++) pixels[i] = table[pixels[i] as number] as number;
}
