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

function computeCoefficients(inSize: number, outSize: number): Coefficients {
  const scale = inSize / outSize;
  const support = Math.max(scale, 1);
  const stride = Math.ceil((Math.ceil(support) * 2 + 1) / 4) * 4;
  const [first, count] = [new Int32Array(outSize), new Int32Array(outSize)];
  const weights = new Int32Array(outSize * stride);
  for (let x = 0; x < outSize; x++) {
    const center = (x + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const high = Math.min(inSize, Math.trunc(center + support + 0.5));
    // Multiplying by 1 / support is not dividing by it in the last bit, and Pillow multiplies.
    const taps = Array.from({ length: high - low }, (_, i) => triangle((i + low - center + 0.5) * (1 / support)));
    const total = taps.reduce((sum, tap) => sum + tap, 0);
    weights.set(
      taps.map((tap) => Math.trunc(0.5 + (tap / total) * 2 ** fractionBits)),
      x * stride,
    );
    first[x] = low;
    count[x] = high - low;
  }
  return { first, count, weights, stride };
}

// Pictures of a data set or of a camera share few sizes, so the tables are kept; the oldest goes when there are many.
const cacheLimit = 256;
const cache = new Map<string, Coefficients>();

/** Pillow's antialiased bilinear coefficients for one axis: a triangle as wide as the shrink factor. */
export function coefficientsFor(inSize: number, outSize: number): Coefficients {
  const key = `${inSize}>${outSize}`;
  const known = cache.get(key);
  if (known) return known;
  const made = computeCoefficients(inSize, outSize);
  if (cache.size >= cacheLimit) cache.delete(cache.keys().next().value as string);
  cache.set(key, made);
  return made;
}
