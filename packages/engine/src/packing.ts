// Texts of a batch differ in length. Only their tokens are computed: they stand one after the other in one matrix, and are spread to
// [B, L] only where samples must not see each other, in the attention.
import type { Tokens } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { consume, gatherRows, reshape, scatterRows, transpose } from './fast/kernels.ts';

/** Where the T tokens of a batch stand among its B · L places. */
export interface Packing extends Tokens {
  /** Nothing is padded: both orders are the same. */
  readonly isFull: boolean;
  /** Place of every token, [T]. */
  readonly places: tf.Tensor;
  /** Place of every sample's first token, [B]. */
  readonly firstPlaces: tf.Tensor;
  readonly firstRows: tf.Tensor; // [B]
  readonly ids: tf.Tensor; // [T]
  readonly positions: tf.Tensor; // [T]
  readonly bias: tf.Tensor; // [B, 1, 1, L]
  /** The same for every row, [T]. */
  readonly rowBias: tf.Tensor;
  /** What every row adds to the mean of its sample, [B, T]: 1 / n of each of n tokens, nothing of padding. Its receiver frees it. */
  readonly shares: () => tf.Tensor;
}

export interface Texts {
  size: number;
  length: number;
  inputIds: Int32Array; // [B, L]
  attentionMask: Int32Array; // [B, L]
}

/** Rows that are computed: tokens, the first place whatever it holds, and all of a text without any token. */
function computedPlaces(mask: ArrayLike<number>, size: number, length: number): number[] {
  const sampleOf = (place: number) => Math.floor(place / length);
  const hasTokens = Array.from({ length: size }, () => false);
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) hasTokens[sampleOf(i)] = true;
  const isComputed = (place: number) => mask[place] !== 0 || place % length === 0 || !hasTokens[sampleOf(place)];
  return Array.from(mask, (_, place) => place).filter(isComputed);
}

function sharesOf(places: readonly number[], { size, length, attentionMask }: Texts): tf.Tensor {
  const shares = new Float32Array(size * places.length);
  const tokens = new Float32Array(size);
  for (const [place, isToken] of attentionMask.entries()) if (isToken !== 0) tokens[Math.floor(place / length)]! += 1;
  for (const [row, place] of places.entries()) {
    const sample = Math.floor(place / length);
    if (attentionMask[place] !== 0) shares[sample * places.length + row] = 1 / (tokens[sample] as number);
  }
  return tf.tensor2d(shares, [size, places.length]);
}

/** @param isEvery whether padding is computed, too */
export function packTokens(texts: Texts, isEvery = false): Packing {
  const { size, length, inputIds, attentionMask } = texts;
  const every = Array.from(attentionMask, (_, place) => place);
  const places = isEvery ? every : computedPlaces(attentionMask, size, length);
  const bias = Float32Array.from(attentionMask, (isToken) => (isToken - 1) * 1e9);
  const list = (numbers: number[]) => tf.tensor1d(numbers, 'int32');
  return {
    size,
    length,
    count: places.length,
    isFull: places.length === size * length,
    places: list(places), // [T]
    firstPlaces: list(Array.from({ length: size }, (_, sample) => sample * length)), // [B]
    firstRows: list(places.flatMap((place, row) => (place % length === 0 ? [row] : []))), // [B]
    ids: list(places.map((place) => inputIds[place] as number)), // [T]
    positions: list(places.map((place) => place % length)), // [T]
    bias: tf.tensor4d(bias, [size, 1, 1, length]), // [B, 1, 1, L]
    rowBias: tf.tensor1d(places.map((place) => bias[place] as number)), // [T]
    shares: () => sharesOf(places, texts), // [B, T]
  };
}

/** [T, H] → [B, A, L, H / A], zeros where nothing was packed. */
export function splitHeads(packing: Packing, heads: number, x: tf.Tensor): tf.Tensor {
  const { size, length, isFull, places } = packing;
  if (isFull) return splitRows(x, [size, length, heads]);
  return consume(scatterRows(x, places, size * length), (spread) => splitRows(spread, [size, length, heads]));
}

/** [B, A, L, D] → [T, A · D]; the gradient of `splitHeads`, and it of this. */
export function mergeHeads(packing: Packing, x: tf.Tensor): tf.Tensor {
  const rows = mergeRows(x); // [B · L, A · D]
  return packing.isFull ? rows : consume(rows, (spread) => gatherRows(spread, packing.places)); // [T, A · D]
}

/** [B · L, H] → [B, A, L, H / A] */
export function splitRows(x: tf.Tensor, [B, L, A]: [number, number, number]): tf.Tensor {
  const width = (x.shape[1] as number) / A;
  return consume(reshape(x, [B, L, A, width]), (split) => transpose(split, [0, 2, 1, 3]));
}

/** [B, A, L, D] → [B · L, A · D] */
export function mergeRows(x: tf.Tensor): tf.Tensor {
  const [B, A, L, D] = x.shape as [number, number, number, number];
  return consume(transpose(x, [0, 2, 1, 3]), (rows) => reshape(rows, [B * L, A * D]));
}
