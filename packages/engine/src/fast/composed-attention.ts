// Attention of TensorFlow's own kernels, on any device: texts are padded between the projections.
//
// Shapes: as in attention.ts; M = L or 1 rows that are asked for per sample, A heads, D features of a head, H = A · D.
import { tf } from '@crosscheck/tensorflow';
import type { HeadAttention, Projected, TextLayer } from './attention.ts';
import { type DropoutSite, drawMask, drop, type Mask } from './dropout.ts';
import {
  add,
  consume,
  matMul,
  matMulLeft,
  matMulRight,
  multiply,
  release,
  rowSum,
  scale,
  softmax,
  subtract,
  view,
} from './kernels.ts';
import { mergeHeads, mergeRows, splitHeads, splitRows } from './packing.ts';
import type { Work } from './work.ts';

interface KeptHeads {
  query: tf.Tensor; // [B, A, M, D]
  key: tf.Tensor; // [B, A, L, D]
  value: tf.Tensor; // [B, A, L, D]
  weights: tf.Tensor; // [B, A, M, L]
  mask: Mask; // [B, A, M, L]
}

const splitAsked = ({ isLast, packing, network }: TextLayer, x: tf.Tensor) =>
  isLast ? splitRows(x, [packing.size, 1, network.heads]) : splitHeads(packing, network.heads, x); // [B, A, M, D]

const mergeAsked = ({ isLast, packing }: TextLayer, x: tf.Tensor) => (isLast ? mergeRows(x) : mergeHeads(packing, x)); // [N, H]

const queryScale = ({ network }: TextLayer) => 1 / Math.sqrt(network.hiddenSize / network.heads);

export const composedHeads: HeadAttention = {
  forward(work, layer, rows) {
    const { packing, network } = layer;
    const scaled = consume(rows.query, (query) => scale(query, queryScale(layer))); // [N, H]
    const query = consume(scaled, (x) => splitAsked(layer, x)); // [B, A, M, D]
    const key = consume(rows.key, (x) => splitHeads(packing, network.heads, x)); // [B, A, L, D]
    const value = consume(rows.value, (x) => splitHeads(packing, network.heads, x)); // [B, A, L, D]
    const scores = consume(matMulRight(query, key), (product) => add(product, packing.bias)); // [B, A, M, L]
    const weights = consume(scores, softmax); // [B, A, M, L]
    const mask = drawAttentionMask(work, layer); // [B, A, M, L]
    const mixed = consume(drop(view(weights), mask), (dropped) => matMul(dropped, value)); // [B, A, M, D]
    const y = consume(mixed, (heads) => mergeAsked(layer, heads)); // [N, H]
    return { y, kept: { query, key, value, weights, mask } };
  },
  backward(_, layer, kept, dy) {
    const d = headsBackward(kept as KeptHeads, splitAsked(layer, dy));
    const dQuery = consume(d.query, (x) => mergeAsked(layer, x)); // [N, H]
    return {
      query: consume(dQuery, (x) => scale(x, queryScale(layer))),
      key: consume(d.key, (x) => mergeHeads(layer.packing, x)), // [T, H]
      value: consume(d.value, (x) => mergeHeads(layer.packing, x)), // [T, H]
    };
  },
};

/** Frees everything kept, and dContext [B, A, M, D]. */
function headsBackward(kept: KeptHeads, dContext: tf.Tensor): Projected {
  const { query, key, value, weights, mask } = kept;
  const dValue = consume(drop(view(weights), mask), (dropped) => matMulLeft(dropped, dContext)); // [B, A, L, D]
  const dWeights = drop(matMulRight(dContext, value), mask); // [B, A, M, L]
  const dScores = consume(dWeights, () => softmaxBackward(weights, dWeights)); // [B, A, M, L]
  const dQuery = matMul(dScores, key); // [B, A, M, D]
  const dKey = matMulLeft(dScores, query); // [B, A, L, D]
  release(dContext, dScores, kept);
  return { query: dQuery, key: dKey, value: dValue };
}

/** dx = y · (dy − Σ dy · y) */
function softmaxBackward(y: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  const total = consume(multiply(dy, y), rowSum);
  const centred = consume(total, () => subtract(dy, total));
  return consume(centred, () => multiply(centred, y));
}

function drawAttentionMask(work: Work, { name, network, packing, isLast }: TextLayer): Mask {
  const { size: B, length: L } = packing;
  const site: DropoutSite = {
    shape: [B, network.heads, L, L],
    rate: network.attentionDropout,
    site: `${name}.attention`,
  };
  const ofFirstQuery = (mask: tf.Tensor) => tf.slice(mask, [0, 0, 0, 0], [B, network.heads, 1, L]);
  return drawMask(work, site, isLast ? ofFirstQuery : undefined);
}
