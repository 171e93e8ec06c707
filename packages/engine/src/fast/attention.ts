// Multi-head self-attention (Vaswani et al. 2017) over packed texts.
//
// Shapes: B samples, L places, T tokens of all samples, N rows that are asked for: all T, or B in the last layer, the first of each
// sample; H hidden size.
import type { tf } from '@crosscheck/tensorflow';
import type { TextNetwork } from '../text.ts';
import { add, consume, gatherRows, release, scatterRows, view } from './kernels.ts';
import { linear, linearBackward } from './linear.ts';
import type { Packing } from './packing.ts';
import type { Forward, Work } from './work.ts';

/** Which layer of the network this is, and on which texts it works. */
export interface TextLayer {
  name: string;
  network: TextNetwork;
  packing: Packing;
  /** Of the last layer only the first token's row is ever read: the others are not computed. */
  isLast: boolean;
}

/** Rows of features, all heads side by side. */
export interface Projected {
  query: tf.Tensor; // [N, H]
  key: tf.Tensor; // [T, H]
  value: tf.Tensor; // [T, H]
}

/** What happens between the projections, head by head, in one of its implementations. */
export interface HeadAttention {
  /** Takes the rows over. y [N, H] */
  forward(work: Work, layer: TextLayer, rows: Projected): Forward<object>;
  /** dy [N, H] → the gradients of the rows; frees what `forward` has kept. */
  backward(work: Work, layer: TextLayer, kept: object, dy: tf.Tensor): Projected;
}

export interface KeptAttention {
  heads: object;
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

/** x [T, H] → [N, H] */
export function attention(work: Work, layer: TextLayer, x: tf.Tensor): Forward<KeptAttention> {
  const project = (part: string, rows: tf.Tensor) => linear(work, `${layer.name}.attention.${part}`, rows);
  const query = consume(askedRows(layer, x), (rows) => project('q_lin', rows)); // [N, H]
  const rows = { query, key: project('k_lin', x), value: project('v_lin', x) };
  const { y: context, kept: heads } = work.kernels.heads.forward(work, layer, rows); // [N, H]
  return { y: project('out_lin', context), kept: { heads, context } };
}

/** dy [N, H] → dx [T, H] */
export function attentionBackward(
  work: Work,
  layer: TextLayer,
  { heads, context }: KeptAttention,
  { x, dy }: { x: tf.Tensor; dy: tf.Tensor },
): tf.Tensor {
  const back = (part: string, rows: tf.Tensor, d: tf.Tensor) =>
    linearBackward(work, `${layer.name}.attention.${part}`, rows, d);
  const dContext = consume(context, () => back('out_lin', context, dy)); // [N, H]
  const d = consume(dContext, () => work.kernels.heads.backward(work, layer, heads, dContext));
  const [fromKey, fromValue] = [back('k_lin', x, d.key), back('v_lin', x, d.value)]; // [T, H] each
  const dx = add(fromKey, fromValue); // [T, H]
  release(fromKey, fromValue);
  const dRows = consume(askedRows(layer, x), (rows) => back('q_lin', rows, d.query)); // [N, H]
  release(d);
  return consume(dRows, () => consume(dx, () => addAskedRows(layer, dx, dRows)));
}
