import { openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Batch, createRandom } from '@crosscheck/contract';

export const imageSide = 224;
export const longestText = 128;
const vocabulary = 30522;
const classToken = 101;
const separatorToken = 102;

/** Every engine reads the same samples, from these files of a folder. */
export const sampleFiles = {
  lengths: 'lengths.i32', // [N]
  ids: 'ids.i32', // [N, 128]
  images: 'images.f32', // [N, 224, 224, 3]
  labels: 'labels.f32', // [N]
} as const;

/**
 * Token counts as titles have them: words log-normal around 10 with mean 12, 1.35 tokens a word, [CLS] and [SEP]; the longest is cut
 * at 128. Quantiles, not draws: the list is the same for every number of samples in shape, and always the same in values.
 */
export function titleLengths(count: number): Int32Array {
  const random = createRandom(20, 'title-order');
  const quantiles = Array.from({ length: count }, (_, i) => (i + 0.5) / count);
  const lengths = quantiles.map((q) => Math.round(1.35 * Math.exp(Math.log(10) + 0.6 * normalQuantile(q))) + 2);
  lengths[count - 1] = longestText;
  for (let i = count - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [lengths[i], lengths[j]] = [lengths[j] as number, lengths[i] as number];
  }
  return Int32Array.from(lengths, (length) => Math.min(length, longestText));
}

/** Inverse of the normal distribution function by bisection of a series for erf. */
function normalQuantile(q: number): number {
  let [low, high] = [-6, 6];
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < q) low = middle;
    else high = middle;
  }
  return low;
}

function normalCdf(x: number): number {
  let [term, sum] = [x, x];
  for (let k = 1; k < 120; k++) {
    term *= (-x * x) / (2 * k);
    sum += term / (2 * k + 1);
  }
  return 0.5 + sum / Math.sqrt(2 * Math.PI);
}

/** Writes noise pictures, random tokens and alternating labels. */
export function writeSamples(folder: string, count: number): void {
  const random = createRandom(7, 'benchmark-samples');
  const lengths = titleLengths(count);
  const image = new Float32Array(imageSide * imageSide * 3);
  const ids = new Int32Array(count * longestText);
  for (const [row, length] of lengths.entries()) {
    const start = row * longestText;
    for (let i = 0; i < length; i++) ids[start + i] = 1000 + random.int(vocabulary - 1000);
    ids[start] = classToken;
    ids[start + length - 1] = separatorToken;
  }
  const file = (name: keyof typeof sampleFiles) => path.join(folder, sampleFiles[name]);
  writeFileSync(file('lengths'), lengths);
  writeFileSync(file('ids'), ids);
  writeFileSync(
    file('labels'),
    Float32Array.from({ length: count }, (_, i) => i % 2),
  );
  writeFileSync(file('images'), '');
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < image.length; j++) image[j] = random.uniform(-2, 2);
    writeFileSync(file('images'), image, { flag: 'a' });
  }
}

export interface Samples {
  lengths: Int32Array;
  ids: Int32Array;
  labels: Float32Array;
  /** Fills `pixels` [224 · 224 · 3] with the picture of that number. */
  readImage(number: number, pixels: Float32Array): void;
}

/** Pictures stay in their file until a batch asks for them. */
export function openSamples(folder: string): Samples {
  const file = (name: keyof typeof sampleFiles) => path.join(folder, sampleFiles[name]);
  const read = (name: keyof typeof sampleFiles) => new Uint8Array(readFileSync(file(name))).buffer;
  const images = openSync(file('images'), 'r');
  return {
    lengths: new Int32Array(read('lengths')),
    ids: new Int32Array(read('ids')),
    labels: new Float32Array(read('labels')),
    readImage: (number, pixels) => void readSync(images, pixels, { position: number * pixels.byteLength }),
  };
}

/** The batch of that number, as the loader of @crosscheck/data would give it: padded to a multiple of 8. */
export function takeBatch(samples: Samples, size: number, number: number): Batch {
  const { lengths, ids, labels } = samples;
  const rows = Array.from({ length: size }, (_, i) => (number * size + i) % lengths.length);
  const longest = Math.max(...rows.map((row) => lengths[row] as number));
  const length = Math.min(longestText, Math.ceil(longest / 8) * 8);
  const pixels = imageSide * imageSide * 3;
  const image = new Float32Array(size * pixels); // [B, 224, 224, 3]
  const inputIds = new Int32Array(size * length); // [B, L]
  const attentionMask = new Int32Array(size * length); // [B, L]
  for (const [i, row] of rows.entries()) {
    samples.readImage(row, image.subarray(i * pixels, (i + 1) * pixels));
    inputIds.set(ids.subarray(row * longestText, row * longestText + length), i * length);
    attentionMask.fill(1, i * length, i * length + (lengths[row] as number));
  }
  const label = Float32Array.from(rows, (row) => labels[row] as number);
  return { size, length, imageSize: imageSide, image, inputIds, attentionMask, label, indices: Int32Array.from(rows) };
}
