// Antialiased bilinear resampling with Pillow's arithmetic: a triangle filter as wide as the shrink factor, coefficients in fixed
// point with 22 bits, first along rows and then along columns, rounded to bytes in between (Pillow, src/libImaging/Resample.c).

/** 32 bits − 8 of the pixel − 2 to spare. */
const precisionBits = 22;
const half = 1 << (precisionBits - 1);

/** Which input pixels make each output pixel, and with what weights. */
interface Coefficients {
  first: Int32Array; // [outSize]
  count: Int32Array; // [outSize]
  weights: Int32Array; // [outSize, stride], fixed point
  stride: number;
}

function triangle(x: number): number {
  return Math.max(0, 1 - Math.abs(x));
}

function computeCoefficients(inSize: number, outSize: number): Coefficients {
  const scale = inSize / outSize;
  const support = Math.max(scale, 1);
  const stride = Math.ceil(support) * 2 + 1;
  const [first, count] = [new Int32Array(outSize), new Int32Array(outSize)];
  const weights = new Int32Array(outSize * stride);
  for (let x = 0; x < outSize; x++) {
    const center = (x + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const high = Math.min(inSize, Math.trunc(center + support + 0.5));
    const taps = Array.from({ length: high - low }, (_, i) => triangle((i + low - center + 0.5) / support));
    const total = taps.reduce((sum, tap) => sum + tap, 0);
    taps.forEach((tap, i) => (weights[x * stride + i] = Math.trunc(0.5 + (tap / total) * 2 ** precisionBits)));
    first[x] = low;
    count[x] = high - low;
  }
  return { first, count, weights, stride };
}

const cacheLimit = 256;
const cache = new Map<string, Coefficients>();

function coefficientsFor(inSize: number, outSize: number): Coefficients {
  const key = `${inSize}>${outSize}`;
  const known = cache.get(key);
  if (known) return known;
  const made = computeCoefficients(inSize, outSize);
  if (cache.size >= cacheLimit) cache.delete(cache.keys().next().value as string);
  cache.set(key, made);
  return made;
}

/** An RGB picture: [height, width, 3]. */
export interface Pixels {
  data: Uint8Array;
  width: number;
  height: number;
}

function resampleRows({ data, width, height }: Pixels, size: number): Uint8Array {
  const { first, count, weights, stride } = coefficientsFor(width, size);
  const out = new Uint8Array(height * size * 3); // [H, S, 3]
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0; x < size; x++, o += 3) {
      let source = (y * width + (first[x] as number)) * 3;
      let [r, g, b] = [half, half, half];
      const end = x * stride + (count[x] as number);
      for (let i = x * stride; i < end; i++, source += 3) {
        const weight = weights[i] as number;
        r = (r + Math.imul(data[source] as number, weight)) | 0;
        g = (g + Math.imul(data[source + 1] as number, weight)) | 0;
        b = (b + Math.imul(data[source + 2] as number, weight)) | 0;
      }
      out[o] = r >> precisionBits;
      out[o + 1] = g >> precisionBits;
      out[o + 2] = b >> precisionBits;
    }
  }
  return out;
}

function resampleColumns(rows: Uint8Array, height: number, size: number): Uint8Array {
  const { first, count, weights, stride } = coefficientsFor(height, size);
  const rowLength = size * 3;
  const out = new Uint8Array(size * rowLength); // [S, S, 3]
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < size; y++) {
    sums.fill(half);
    for (let i = 0; i < (count[y] as number); i++) {
      const weight = weights[y * stride + i] as number;
      let source = ((first[y] as number) + i) * rowLength;
      for (let x = 0; x < rowLength; x++) {
        sums[x] = ((sums[x] as number) + Math.imul(rows[source++] as number, weight)) | 0;
      }
    }
    for (let x = 0; x < rowLength; x++) out[y * rowLength + x] = (sums[x] as number) >> precisionBits;
  }
  return out;
}

/** Stretches a picture to [size, size, 3], bit for bit as Pillow's `resize((size, size), BILINEAR)` does. */
export function resample(pixels: Pixels, size: number): Uint8Array {
  const rows = pixels.width === size ? pixels.data : resampleRows(pixels, size);
  return pixels.height === size ? rows : resampleColumns(rows, pixels.height, size);
}
