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

/** The hash in four parts: two hashes with at most ten differing bits have a part with at most two (Norouzi, Punjani and Fleet 2012). */
const PARTS = 4;
const PART_VALUES = 1 << 16;

/** Every 16-bit number with at most two bits set. */
const smallChanges = Array.from({ length: PART_VALUES }, (_, mask) => mask).filter((mask) => countBits(mask) <= 2);

type Looks = Pick<PictureFingerprint, 'hash' | 'copy' | 'contrast'>;

/** Whether two pictures show the same: scaled, recompressed, brightened or lightly cropped copies of one another. */
export function looksSame(a: Looks, b: Looks): boolean {
  if (a.contrast < MIN_CONTRAST || b.contrast < MIN_CONTRAST) return false;
  if (differingBits(a.hash, b.hash) > MAX_BITS || correlation(a.copy, b.copy) < MIN_CORRELATION) return false;
  return correlation(withoutLayout(a.copy), withoutLayout(b.copy)) >= MIN_DETAIL_CORRELATION;
}

/** Every pair of pictures that look the same, by position; a few seconds for a hundred thousand pictures. */
export function* nearPictures(pictures: readonly Looks[]): Generator<[number, number]> {
  const high = Int32Array.from(pictures, ({ hash }) => Number(hash >> 32n) | 0);
  const low = Int32Array.from(pictures, ({ hash }) => Number(hash & 0xffffffffn) | 0);
  const seen = new Set<number>();
  for (let part = 0; part < PARTS; part++) {
    const values = Uint16Array.from(pictures, ({ hash }) => Number((hash >> BigInt(16 * part)) & 0xffffn));
    const { starts, members } = sortByValue(values);
    for (let b = 0; b < pictures.length; b++) {
      for (const change of smallChanges) {
        const value = (values[b] as number) ^ change;
        for (let at = starts[value] as number; at < (starts[value + 1] as number); at++) {
          const a = members[at] as number;
          if (a >= b) break;
          const bits =
            countBits((high[a] as number) ^ (high[b] as number)) + countBits((low[a] as number) ^ (low[b] as number));
          const key = a * pictures.length + b;
          if (bits > MAX_BITS || seen.has(key)) continue;
          seen.add(key);
          if (looksSame(pictures[a] as Looks, pictures[b] as Looks)) yield [a, b];
        }
      }
    }
  }
}

/** Positions by value, ascending within each: those of a value stand from `starts[value]` up to `starts[value + 1]`. */
function sortByValue(values: Uint16Array): { starts: Uint32Array; members: Uint32Array } {
  const starts = new Uint32Array(PART_VALUES + 1);
  for (const value of values) starts[value + 1] = (starts[value + 1] as number) + 1;
  for (let value = 0; value < PART_VALUES; value++)
    starts[value + 1] = (starts[value + 1] as number) + (starts[value] as number);
  const next = starts.slice();
  const members = new Uint32Array(values.length);
  for (const [i, value] of values.entries()) {
    members[next[value] as number] = i;
    next[value] = (next[value] as number) + 1;
  }
  return { starts, members };
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
