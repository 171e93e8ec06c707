// Texts of a batch differ in length. Only their tokens are computed: they stand one after the other in one matrix, and are spread to
// [B, L] only where samples must not see each other, in the attention.
import { tf } from '@crosscheck/tensorflow';
import { consume, gatherRows, reshape, scatterRows, transpose } from './kernels.ts';

/** Where the T tokens of a batch stand among its B · L places. */
export interface Packing {
  size: number;
  length: number;
  /** Nothing is padded: both orders are the same. */
  isFull: boolean;
  /** Place of every token, [T]. */
  places: tf.Tensor;
  /** Place and row of every sample's first token, [B] each. */
  firstPlaces: tf.Tensor;
  firstRows: tf.Tensor;
  ids: tf.Tensor; // [T]
  positions: tf.Tensor; // [T]
  /** Added to attention scores: 0 on tokens, −10⁹ on what the mask hides, [B, 1, 1, L] and [T]. */
  bias: tf.Tensor;
  rowBias: tf.Tensor;
}

/** Rows that are computed: tokens, the first place whatever it holds, and all of a text without any token. */
function computedPlaces(mask: ArrayLike<number>, size: number, length: number): number[] {
  const sampleOf = (place: number) => Math.floor(place / length);
  const hasTokens = Array.from({ length: size }, () => false);
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) hasTokens[sampleOf(i)] = true;
  const isComputed = (place: number) => mask[place] !== 0 || place % length === 0 || !hasTokens[sampleOf(place)];
  return Array.from(mask, (_, place) => place).filter(isComputed);
}

/** Packs token ids and mask, both [B, L]. */
export function packTokens([ids, mask]: [ids: tf.Tensor2D, mask: tf.Tensor2D]): Packing {
  const [size, length] = mask.shape;
  const [inputIds, attentionMask] = [ids.dataSync() as Int32Array, mask.dataSync() as Int32Array];
  const places = computedPlaces(attentionMask, size, length);
  const bias = Float32Array.from(attentionMask, (isToken) => (isToken - 1) * 1e9);
  const list = (numbers: number[]) => tf.tensor1d(numbers, 'int32');
  return {
    size,
    length,
    isFull: places.length === size * length,
    places: list(places), // [T]
    firstPlaces: list(Array.from({ length: size }, (_, sample) => sample * length)), // [B]
    firstRows: list(places.flatMap((place, row) => (place % length === 0 ? [row] : []))), // [B]
    ids: list(places.map((place) => inputIds[place] as number)), // [T]
    positions: list(places.map((place) => place % length)), // [T]
    bias: tf.tensor4d(bias, [size, 1, 1, length]), // [B, 1, 1, L]
    rowBias: tf.tensor1d(places.map((place) => bias[place] as number)), // [T]
  };
}

/** [T, H] → [B, A, L, H / A], zeros where nothing was packed. */
export function splitHeads(packing: Packing, heads: number, x: tf.Tensor): tf.Tensor {
  const { size, length, isFull, places } = packing;
  if (isFull) return splitRows(x, [size, length, heads]);
  return consume(scatterRows(x, places, size * length), (spread) => splitRows(spread, [size, length, heads]));
}

/** [B, A, L, D] → [T, A · D]; the way back of `splitHeads`, and it of this. */
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
