import { keepRecent } from '../recent.ts';

/** Fixed point: 32 bits − 8 of the pixel − 2 to spare, as in Pillow. */
const fractionBits = 22;

/** Which pixels make each output pixel, and with what weights. */
export interface Coefficients {
  /** [outSize] first input pixel. */
  first: Int32Array;
  /** [outSize] number of input pixels. */
  count: Int32Array;
  /** [outSize, stride] weights with 22 fractional bits; zeros after the first `count`. */
  weights: Int32Array;
  /** A multiple of four. */
  stride: number;
}

function triangle(x: number): number {
  return Math.max(0, 1 - Math.abs(x));
}

/** The input pixels from `low` on that make an output pixel; their weights sum to 1. */
export interface Taps {
  low: number;
  weights: number[];
}

/** Pillow's antialiased bilinear filter for one axis, by output pixel: a triangle as wide as the shrink factor. */
export function computeTaps(inSize: number, outSize: number): Taps[] {
  const scale = inSize / outSize;
  const support = Math.max(scale, 1);
  return Array.from({ length: outSize }, (_, x) => {
    const center = (x + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const high = Math.min(inSize, Math.trunc(center + support + 0.5));
    // Multiplying by 1 / support is not dividing by it in the last bit, and Pillow multiplies.
    const taps = Array.from({ length: high - low }, (_, i) => triangle((i + low - center + 0.5) * (1 / support)));
    const total = taps.reduce((sum, tap) => sum + tap, 0);
    return { low, weights: taps.map((tap) => tap / total) };
  });
}

function computeCoefficients(inSize: number, outSize: number): Coefficients {
  const stride = Math.ceil((Math.ceil(Math.max(inSize / outSize, 1)) * 2 + 1) / 4) * 4;
  const [first, count] = [new Int32Array(outSize), new Int32Array(outSize)];
  const fixed = new Int32Array(outSize * stride);
  for (const [x, { low, weights }] of computeTaps(inSize, outSize).entries()) {
    fixed.set(
      weights.map((weight) => Math.trunc(0.5 + weight * 2 ** fractionBits)),
      x * stride,
    );
    first[x] = low;
    count[x] = weights.length;
  }
  return { first, count, weights: fixed, stride };
}

/** Twice: resampling lays them out again. */
const recent = keepRecent<Coefficients>(({ weights }) => 2 * weights.byteLength);

/** Bytes that this thread keeps of them. */
export const keptCoefficientBytes = () => recent.bytes();

/** Pillow's coefficients for one axis in its fixed-point numbers. */
export function coefficientsFor(inSize: number, outSize: number): Coefficients {
  return recent(`${inSize}>${outSize}`, () => computeCoefficients(inSize, outSize));
}
