import { computeTaps, type Taps } from '../image/resample-coefficients.ts';
import { keepRecent } from '../recent.ts';

/** Along one axis: which columns (or rows) of the square each block of a plane adds to, and by how much. */
export interface Spans {
  /** [blocks] */
  first: Int32Array;
  count: Int32Array;
  /** [Σ count, 8]: the weight of each frequency of the block in that column, and the same with 15 fractional bits. */
  weights: Float32Array;
  fixedWeights: Int16Array;
  /** [Σ count, 8]: the weight of each sample of the block in that column, with 15 fractional bits. */
  sampleWeights: Int16Array;
  /** Of the weights of one column, the largest in each block, times eight: their sum, at most. */
  peak: number;
}

const fractionBits = 15;

/** 1 itself does not fit. */
const toFixed = (weight: number) => Math.min(2 ** fractionBits - 1, Math.round(weight * 2 ** fractionBits));

function peakOf({ low, weights }: Taps): number {
  const most = new Map<number, number>();
  for (const [i, weight] of weights.entries())
    most.set((low + i) >> 3, Math.max(most.get((low + i) >> 3) ?? 0, weight));
  return 8 * [...most.values()].reduce((sum, weight) => sum + weight, 0);
}

/** [8, 8] the cosine of frequency u at pixel j, orthonormal (T.81, A.3.3): [u, j]. */
const basis = Float64Array.from({ length: 64 }, (_, at) => {
  const [u, j] = [at >> 3, at & 7];
  return (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * j + 1) * u * Math.PI) / 16);
});

/** The two samples that libjpeg makes a pixel of when a plane has half as many: the one that it lies in, and the next. */
function samplesOf(pixel: number, samples: number): [sample: number, weight: number][] {
  const sample = pixel >> 1;
  const next = Math.min(samples - 1, Math.max(0, sample + (pixel % 2 === 0 ? -1 : 1)));
  return [
    [sample, 0.75],
    [next, 0.25],
  ];
}

/** Weights of pixels → weights of half as many samples. */
function halve({ low, weights }: Taps, samples: number): Taps {
  const from = Math.max(0, (low >> 1) - 1);
  const to = Math.min(samples - 1, ((low + weights.length - 1) >> 1) + 1);
  const sums = Array.from({ length: to - from + 1 }, () => 0);
  for (const [i, weight] of weights.entries()) {
    for (const [sample, share] of samplesOf(low + i, samples)) {
      sums[sample - from] = (sums[sample - from] as number) + share * weight;
    }
  }
  return { low: from, weights: sums };
}

/** Weights of a block's eight samples → weights of its eight frequencies. */
function addFrequencies(taps: Taps, block: number, target: Float64Array): void {
  for (let j = 0; j < 8; j++) {
    const weight = taps.weights[8 * block + j - taps.low];
    if (!weight) continue;
    for (let u = 0; u < 8; u++) target[u] = (target[u] as number) + weight * (basis[8 * u + j] as number);
  }
}

function computeSpans(pixels: number, pixelsPerSample: 1 | 2, size: number): Spans {
  const samples = Math.ceil(pixels / pixelsPerSample);
  const columns = computeTaps(pixels, size).map((taps) => (pixelsPerSample === 1 ? taps : halve(taps, samples)));
  const blocks = Math.ceil(samples / 8);
  const first = new Int32Array(blocks).fill(-1);
  const count = new Int32Array(blocks);
  const lastBlock = ({ low, weights }: Taps) => (low + weights.length - 1) >> 3;
  for (const [x, taps] of columns.entries()) {
    for (let block = taps.low >> 3; block <= lastBlock(taps); block++) {
      if (count[block] === 0) first[block] = x;
      count[block] = x - (first[block] as number) + 1;
    }
  }
  const weights = new Float64Array(8 * count.reduce((sum, n) => sum + n, 0));
  const sampleWeights = new Int16Array(weights.length);
  for (let block = 0, at = 0; block < blocks; block++) {
    for (let i = 0; i < (count[block] as number); i++, at += 8) {
      const taps = columns[(first[block] as number) + i] as Taps;
      addFrequencies(taps, block, weights.subarray(at, at + 8));
      for (let j = 0; j < 8; j++) sampleWeights[at + j] = toFixed(taps.weights[8 * block + j - taps.low] ?? 0);
    }
  }
  const fixedWeights = Int16Array.from(weights, toFixed);
  const peak = Math.max(...columns.map(peakOf));
  return { first, count, weights: Float32Array.from(weights), fixedWeights, sampleWeights, peak };
}

const recent = keepRecent<Spans>(
  ({ first, count, weights, fixedWeights, sampleWeights }) =>
    first.byteLength + count.byteLength + weights.byteLength + fixedWeights.byteLength + sampleWeights.byteLength,
);

/** Bytes that this thread keeps of them. */
export const keptSpanBytes = () => recent.bytes();

/**
 * @param pixels of the picture along the axis
 * @param pixelsPerSample of the plane
 * @param size of the square
 */
export function spansFor(pixels: number, pixelsPerSample: 1 | 2, size: number): Spans {
  return recent(`${pixels}/${pixelsPerSample}>${size}`, () => computeSpans(pixels, pixelsPerSample, size));
}
