// Attention of TensorFlow's own kernels, on any device: texts are padded between the projections.
//
// Shapes: B samples, L places, T tokens of all samples, N rows that ask: all T, or the first of each sample; M = L or 1 of them per sample,
// A heads, D features of a head, H = A · D.
import type { Attention } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { mergeHeads, mergeRows, type Packing, splitHeads, splitRows } from '../packing.ts';
import { drawMask, drop, type Mask } from './dropout.ts';
import { add, consume, matMul, matMulLeft, matMulRight, release, scale, softmax, softmaxGradient } from './kernels.ts';
import type { HeadAttention, Work } from './work.ts';

interface KeptHeads {
  query: tf.Tensor; // [B, A, M, D]
  key: tf.Tensor; // [B, A, L, D]
  value: tf.Tensor; // [B, A, L, D]
  weights: tf.Tensor; // [B, A, M, L]
  mask: Mask; // [B, A, M, L]
}

const splitAsking = (tokens: Packing, { heads, rows }: Attention, x: tf.Tensor) =>
  rows === 'first' ? splitRows(x, [tokens.size, 1, heads]) : splitHeads(tokens, heads, x); // [B, A, M, D]

const mergeAsking = (tokens: Packing, { rows }: Attention, x: tf.Tensor) =>
  rows === 'first' ? mergeRows(x) : mergeHeads(tokens, x); // [N, H]

const queryScale = ({ heads }: Attention, width: number) => 1 / Math.sqrt(width / heads);

export const composedHeads: HeadAttention = {
  forward(work, tokens, options, { query: q, key: k, value: v }) {
    const scaled = scale(q as tf.Tensor, queryScale(options, q.shape[1] as number)); // [N, H]
    const query = consume(scaled, (x) => splitAsking(tokens, options, x)); // [B, A, M, D]
    const key = splitHeads(tokens, options.heads, k as tf.Tensor); // [B, A, L, D]
    const value = splitHeads(tokens, options.heads, v as tf.Tensor); // [B, A, L, D]
    const scores = consume(matMulRight(query, key), (product) => add(product, tokens.bias)); // [B, A, M, L]
    const weights = consume(scores, softmax); // [B, A, M, L]
    const mask = drawAttentionMask(work, tokens, options); // [B, A, M, L]
    const mixed = consume(drop(weights, mask), (dropped) => matMul(dropped, value)); // [B, A, M, D]
    const y = consume(mixed, (heads) => mergeAsking(tokens, options, heads)); // [N, H]
    return { y, kept: { query, key, value, weights, mask } };
  },
  backward(_, tokens, { options, kept, dy }) {
    const d = consume(splitAsking(tokens, options, dy), (dContext) => headsBackward(kept as KeptHeads, dContext));
    const dQuery = consume(d.query, (x) => mergeAsking(tokens, options, x)); // [N, H]
    return {
      query: consume(dQuery, (x) => scale(x, queryScale(options, x.shape[1] as number))),
      key: consume(d.key, (x) => mergeHeads(tokens, x)), // [T, H]
      value: consume(d.value, (x) => mergeHeads(tokens, x)), // [T, H]
    };
  },
};

function headsBackward({ query, key, value, weights, mask }: KeptHeads, dContext: tf.Tensor) {
  const dValue = consume(drop(weights, mask), (dropped) => matMulLeft(dropped, dContext)); // [B, A, L, D]
  const dDropped = matMulRight(dContext, value); // [B, A, M, L]
  const dWeights = consume(dDropped, (d) => drop(d, mask)); // [B, A, M, L]
  const dScores = consume(dWeights, () => softmaxGradient(weights, dWeights)); // [B, A, M, L]
  const dQuery = matMul(dScores, key); // [B, A, M, D]
  const dKey = matMulLeft(dScores, query); // [B, A, L, D]
  release(dScores);
  return { query: dQuery, key: dKey, value: dValue };
}

function drawAttentionMask(work: Work, { size: B, length: L }: Packing, { heads, rate, site, rows }: Attention): Mask {
  const ofFirst = (mask: tf.Tensor) => tf.slice(mask, [0, 0, 0, 0], [B, heads, 1, L]);
  return drawMask(work, { shape: [B, heads, L, L], rate, site }, rows === 'first' ? ofFirst : undefined);
}
