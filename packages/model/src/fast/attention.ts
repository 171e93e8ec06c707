// Multi-head self-attention (Vaswani et al. 2017) over packed texts.
//
// Shapes: B samples, L places, T tokens of all samples, N rows that are asked for (all T, or B in the last layer: the first of each
// sample), M = L or 1 of them per sample, A heads, D features of a head, H = A · D.
import { tf } from '@crosscheck/tensorflow';
import type { TextNetwork } from '../text.ts';
import { type DropoutSite, drawMask, drop, type Mask } from './dropout.ts';
import {
  add,
  consume,
  gatherRows,
  matMul,
  matMulLeft,
  matMulRight,
  multiply,
  release,
  rowSum,
  scale,
  scatterRows,
  softmax,
  subtract,
  view,
} from './kernels.ts';
import { linear, linearBackward } from './linear.ts';
import { mergeHeads, mergeRows, type Packing, splitHeads, splitRows } from './packing.ts';
import type { Forward, Work } from './work.ts';

/** Which layer of the network this is, and on which texts it works. */
export interface TextLayer {
  name: string;
  network: TextNetwork;
  packing: Packing;
  /** Of the last layer only the first token's row is ever read: the others are not computed. */
  isLast: boolean;
}

export interface KeptAttention {
  query: tf.Tensor; // [B, A, M, D]
  key: tf.Tensor; // [B, A, L, D]
  value: tf.Tensor; // [B, A, L, D]
  weights: tf.Tensor; // [B, A, M, L]
  mask: Mask; // [B, A, M, L]
  context: tf.Tensor; // [N, H]
}

/** The rows of x [T, H] that the layer is asked for, [N, H]. */
export function askedRows({ isLast, packing }: TextLayer, x: tf.Tensor): tf.Tensor {
  return isLast ? gatherRows(x, packing.firstRows) : view(x);
}

/** The way back: adds the gradient of the asked rows [N, H] to that of all rows [T, H]. */
export function addAskedRows({ isLast, packing }: TextLayer, dx: tf.Tensor, dRows: tf.Tensor): tf.Tensor {
  if (!isLast) return add(dx, dRows);
  return consume(scatterRows(dRows, packing.firstRows, packing.places.size), (spread) => add(dx, spread));
}

const splitAsked = ({ isLast, packing, network }: TextLayer, x: tf.Tensor) =>
  isLast ? splitRows(x, [packing.size, 1, network.heads]) : splitHeads(packing, network.heads, x); // [B, A, M, D]

const mergeAsked = ({ isLast, packing }: TextLayer, x: tf.Tensor) => (isLast ? mergeRows(x) : mergeHeads(packing, x)); // [N, H]

const queryScale = ({ network }: TextLayer) => 1 / Math.sqrt(network.hiddenSize / network.heads);

/** x [T, H] → [N, H] */
export function attention(work: Work, layer: TextLayer, x: tf.Tensor): Forward<KeptAttention> {
  const { packing, network } = layer;
  const project = (part: string, rows: tf.Tensor) => linear(work, `${layer.name}.attention.${part}`, rows);
  const asked = consume(askedRows(layer, x), (rows) => project('q_lin', rows)); // [N, H]
  const scaled = consume(asked, (rows) => scale(rows, queryScale(layer))); // [N, H]
  const query = consume(scaled, (rows) => splitAsked(layer, rows)); // [B, A, M, D]
  const key = consume(project('k_lin', x), (rows) => splitHeads(packing, network.heads, rows)); // [B, A, L, D]
  const value = consume(project('v_lin', x), (rows) => splitHeads(packing, network.heads, rows)); // [B, A, L, D]
  const scores = consume(matMulRight(query, key), (product) => add(product, packing.bias)); // [B, A, M, L]
  const weights = consume(scores, softmax); // [B, A, M, L]
  const mask = drawAttentionMask(work, layer); // [B, A, M, L]
  const mixed = consume(drop(view(weights), mask), (dropped) => matMul(dropped, value)); // [B, A, M, D]
  const context = consume(mixed, (heads) => mergeAsked(layer, heads)); // [N, H]
  return { y: project('out_lin', context), kept: { query, key, value, weights, mask, context } };
}

/** dy [N, H] → dx [T, H] */
export function attentionBackward(
  work: Work,
  layer: TextLayer,
  kept: KeptAttention,
  { x, dy }: { x: tf.Tensor; dy: tf.Tensor },
): tf.Tensor {
  const back = (part: string, rows: tf.Tensor, d: tf.Tensor) =>
    consume(d, () => linearBackward(work, `${layer.name}.attention.${part}`, rows, d));
  const { dQuery, dKey, dValue } = headsBackward(kept, dContextOf(work, layer, kept, dy));
  const dAsked = consume(
    consume(dQuery, (d) => mergeAsked(layer, d)),
    (d) => scale(d, queryScale(layer)),
  ); // [N, H]
  const dx = consume(
    back(
      'k_lin',
      x,
      consume(dKey, (d) => mergeHeads(layer.packing, d)),
    ),
    (fromKey) =>
      consume(
        back(
          'v_lin',
          x,
          consume(dValue, (d) => mergeHeads(layer.packing, d)),
        ),
        (fromValue) => add(fromKey, fromValue),
      ),
  ); // [T, H]
  const dRows = consume(askedRows(layer, x), (rows) => back('q_lin', rows, dAsked)); // [N, H]
  return consume(dRows, () => consume(dx, () => addAskedRows(layer, dx, dRows)));
}

/** dy [N, H] → [B, A, M, D] */
function dContextOf(work: Work, layer: TextLayer, { context }: KeptAttention, dy: tf.Tensor): tf.Tensor {
  const dRows = linearBackward(work, `${layer.name}.attention.out_lin`, context, dy); // [N, H]
  return consume(dRows, (rows) => splitAsked(layer, rows));
}

/** Frees everything kept, and dContext. */
function headsBackward(kept: KeptAttention, dContext: tf.Tensor) {
  const { query, key, value, weights, mask } = kept;
  const dValue = consume(drop(view(weights), mask), (dropped) => matMulLeft(dropped, dContext)); // [B, A, L, D]
  const dWeights = drop(matMulRight(dContext, value), mask); // [B, A, M, L]
  const dScores = consume(dWeights, () => softmaxBackward(weights, dWeights)); // [B, A, M, L]
  const dQuery = matMul(dScores, key); // [B, A, M, D]
  const dKey = matMulLeft(dScores, query); // [B, A, L, D]
  release(dContext, dScores, kept);
  return { dQuery, dKey, dValue };
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
