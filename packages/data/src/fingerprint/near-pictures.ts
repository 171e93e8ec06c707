import { COPY_SIDE, type PictureFingerprint } from './fingerprint-picture.ts';

/** Bits of the hash that may differ. */
const MAX_BITS = 10;
/**
 * Correlations that are needed of the small copies and of what remains of them without their coarse layout. Recompressed, scaled and
 * brightened copies have more than 0.93 and 0.89; other pictures with the same layout of sky and ground come to 0.97 and 0.80.
 */
const MIN_CORRELATION = 0.92;
const MIN_DETAIL_CORRELATION = 0.87;

/** Below this contrast a picture is one colour, and its hash is noise. */
const MIN_CONTRAST = 4;

/** Of the whole hash, eleven parts: two hashes with at most ten differing bits agree in one of them. */
const PART_BITS = [6, 6, 6, 6, 6, 6, 6, 6, 6, 5, 5];

type Looks = Pick<PictureFingerprint, 'hash' | 'copy' | 'contrast'>;

/** Whether two pictures show the same: scaled, recompressed, brightened or lightly cropped copies of one another. */
export function looksSame(a: Looks, b: Looks): boolean {
  if (a.contrast < MIN_CONTRAST || b.contrast < MIN_CONTRAST) return false;
  if (differingBits(a.hash, b.hash) > MAX_BITS || correlation(a.copy, b.copy) < MIN_CORRELATION) return false;
  return correlation(withoutLayout(a.copy), withoutLayout(b.copy)) >= MIN_DETAIL_CORRELATION;
}

/** Every pair of pictures that look the same, by position. */
export function* nearPictures(pictures: readonly Looks[]): Generator<[number, number]> {
  const words = pictures.map(({ hash }) => [Number(hash >> 32n) | 0, Number(hash & 0xffffffffn) | 0] as const);
  const seen = new Set<number>();
  for (const bucket of buckets(pictures)) {
    for (const [a, b] of pairsOf(bucket)) {
      const [first, second] = [words[a] as (typeof words)[0], words[b] as (typeof words)[0]];
      if (countBits(first[0] ^ second[0]) + countBits(first[1] ^ second[1]) > MAX_BITS) continue;
      const key = a * pictures.length + b;
      if (seen.has(key)) continue;
      seen.add(key);
      if (looksSame(pictures[a] as Looks, pictures[b] as Looks)) yield [a, b];
    }
  }
}

/** Pictures that agree in a part of their hashes. */
function* buckets(pictures: readonly Looks[]): Generator<number[]> {
  let shift = 0n;
  for (const bits of PART_BITS) {
    const byPart = new Map<number, number[]>();
    for (const [i, { hash, contrast }] of pictures.entries()) {
      if (contrast < MIN_CONTRAST) continue;
      const part = Number((hash >> shift) & ((1n << BigInt(bits)) - 1n));
      const bucket = byPart.get(part);
      if (bucket) bucket.push(i);
      else byPart.set(part, [i]);
    }
    yield* byPart.values();
    shift += BigInt(bits);
  }
}

function* pairsOf(items: readonly number[]): Generator<[number, number]> {
  for (let i = 0; i < items.length; i++) {
    for (let j = i + 1; j < items.length; j++) yield [items[i] as number, items[j] as number];
  }
}

function differingBits(a: bigint, b: bigint): number {
  const difference = a ^ b;
  return countBits(Number(difference >> 32n) | 0) + countBits(Number(difference & 0xffffffffn) | 0);
}

/** Set bits of a 32-bit word. */
function countBits(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return (((v + (v >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

const BLOCK = 4;

/** Each pixel's difference from the mean of its block of 4×4. [16, 16, 3] */
function withoutLayout(copy: Uint8Array): Float64Array {
  const blockOf = (i: number) => {
    const pixel = Math.floor(i / 3);
    const [x, y] = [pixel % COPY_SIDE, Math.floor(pixel / COPY_SIDE)];
    return (Math.floor(y / BLOCK) * (COPY_SIDE / BLOCK) + Math.floor(x / BLOCK)) * 3 + (i % 3);
  };
  const means = new Float64Array((COPY_SIDE / BLOCK) ** 2 * 3);
  for (const [i, value] of copy.entries()) means[blockOf(i)] = (means[blockOf(i)] as number) + value / BLOCK ** 2;
  return Float64Array.from(copy, (value, i) => value - (means[blockOf(i)] as number));
}

/** Pearson's, over all pixels and channels. */
function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [first, second] = [moments(a), moments(b)];
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - first.mean) * ((b[i] as number) - second.mean);
  return sum / a.length / (first.deviation * second.deviation);
}

function moments(values: ArrayLike<number>): { mean: number; deviation: number } {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  return { mean, deviation: Math.sqrt(Math.max(squares / values.length - mean * mean, 1)) };
}
