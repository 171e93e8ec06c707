/** Pixels per side of the grey picture that the hash is drawn from. */
export const HASH_SIDE = 32;

const LOW = 8;

// cosines[u][x] of the discrete cosine transform, type II; only the lowest frequencies are needed.
const cosines = Array.from({ length: LOW }, (_, u) =>
  Float64Array.from({ length: HASH_SIDE }, (_, x) => Math.cos(((2 * x + 1) * u * Math.PI) / (2 * HASH_SIDE))),
);

/** [32, 32, 3] RGB → [32, 32] luminance (ITU-R BT.601). */
export function toGrey(rgb: Uint8Array): Float64Array {
  const at = (i: number) => rgb[i] as number;
  return Float64Array.from(
    { length: rgb.length / 3 },
    (_, i) => 0.299 * at(3 * i) + 0.587 * at(3 * i + 1) + 0.114 * at(3 * i + 2),
  );
}

/**
 * The 64-bit pHash (Zauner 2010): which of the 8×8 lowest frequencies of the picture lie above their median. Pictures that were
 * scaled, recompressed or brightened differ in few bits.
 *
 * @param grey [32, 32]
 */
export function perceptualHash(grey: Float64Array): bigint {
  const frequencies = lowFrequencies(grey); // [8, 8]
  const sorted = frequencies.slice(1).sort();
  const median = sorted[sorted.length >> 1] as number;
  let hash = 0n;
  for (const frequency of frequencies) hash = (hash << 1n) | (frequency > median ? 1n : 0n);
  return hash;
}

/** Separable DCT: rows first, then columns. [32, 32] → [8, 8] */
function lowFrequencies(grey: Float64Array): Float64Array {
  const rows = new Float64Array(HASH_SIDE * LOW); // [32, 8]
  for (let y = 0; y < HASH_SIDE; y++) {
    for (let u = 0; u < LOW; u++) rows[y * LOW + u] = dot(cosines[u] as Float64Array, (x) => grey[y * HASH_SIDE + x]);
  }
  const result = new Float64Array(LOW * LOW);
  for (let v = 0; v < LOW; v++) {
    for (let u = 0; u < LOW; u++) result[v * LOW + u] = dot(cosines[v] as Float64Array, (y) => rows[y * LOW + u]);
  }
  return result;
}

function dot(weights: Float64Array, at: (i: number) => number | undefined): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += (weights[i] as number) * (at(i) as number);
  return sum;
}
