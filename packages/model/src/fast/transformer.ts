import type { tf } from '@crosscheck/tensorflow';
import {
  addAskedRows,
  askedRows,
  attention,
  attentionBackward,
  type KeptAttention,
  type TextLayer,
} from './attention.ts';
import { drawMask, drop, type Mask } from './dropout.ts';
import { gelu, geluBackward } from './gelu.ts';
import { add, consume, gatherRows, release, view } from './kernels.ts';
import { type KeptNorm, layerNorm, layerNormAgain, layerNormBackward } from './layer-norm.ts';
import { linear, linearBackward } from './linear.ts';
import type { Packing } from './packing.ts';
import type { Forward, Work } from './work.ts';

export interface KeptLayer {
  attention: KeptAttention;
  attentionNorm: KeptNorm;
  feedForward: KeptFeedForward;
  outputNorm: KeptNorm;
}

/** x [T, H] → [N, H]: all rows, or in the last layer the first of every sample. */
export function transformerLayer(work: Work, layer: TextLayer, x: tf.Tensor): Forward<KeptLayer> {
  const norm = (part: string, sum: tf.Tensor) =>
    layerNorm(work, `${layer.name}.${part}`, sum, layer.network.layerNormEpsilon);
  const attended = attention(work, layer, x); // y [N, H]
  const residual = consume(askedRows(layer, x), (rows) => consume(attended.y, (y) => add(y, rows))); // [N, H]
  const middle = norm('sa_layer_norm', residual); // y [N, H]
  const fed = feedForward(work, layer, middle.y); // y [N, H]
  const sum = consume(middle.y, (rows) => consume(fed.y, (y) => add(y, rows))); // [N, H]
  const output = norm('output_layer_norm', sum); // y [N, H]
  const kept = {
    attention: attended.kept,
    attentionNorm: middle.kept,
    feedForward: fed.kept,
    outputNorm: output.kept,
  };
  return { y: output.y, kept };
}

/** dy [N, H] → dx [T, H] */
export function transformerLayerBackward(
  work: Work,
  layer: TextLayer,
  kept: KeptLayer,
  { x, dy }: { x: tf.Tensor; dy: tf.Tensor },
): tf.Tensor {
  const dSum = layerNormBackward(work, `${layer.name}.output_layer_norm`, kept.outputNorm, dy); // [N, H]
  const middle = layerNormAgain(work, `${layer.name}.sa_layer_norm`, kept.attentionNorm); // [N, H]
  const dFed = consume(middle, () => feedForwardBackward(work, layer, kept.feedForward, { x: middle, dy: dSum })); // [N, H]
  const dMiddle = consume(dSum, () => consume(dFed, () => add(dFed, dSum))); // [N, H]
  const dResidual = consume(dMiddle, (d) =>
    layerNormBackward(work, `${layer.name}.sa_layer_norm`, kept.attentionNorm, d),
  ); // [N, H]
  const dAttended = attentionBackward(work, layer, kept.attention, { x, dy: dResidual }); // [T, H]
  return consume(dResidual, () => consume(dAttended, () => addAskedRows(layer, dAttended, dResidual)));
}

interface KeptFeedForward {
  /** Before GELU, [N, F]. */
  wide: tf.Tensor;
  mask: Mask; // [N, H]
}

/** x [N, H] → [N, H] */
function feedForward(work: Work, layer: TextLayer, x: tf.Tensor): Forward<KeptFeedForward> {
  const wide = linear(work, `${layer.name}.ffn.lin1`, x); // [N, F]
  const narrow = consume(gelu(wide), (active) => linear(work, `${layer.name}.ffn.lin2`, active)); // [N, H]
  const mask = drawRowMask(work, layer, `${layer.name}.ffn`); // [N, H]
  return { y: drop(narrow, mask), kept: { wide, mask } };
}

function feedForwardBackward(
  work: Work,
  { name }: TextLayer,
  { wide, mask }: KeptFeedForward,
  { x, dy }: { x: tf.Tensor; dy: tf.Tensor },
): tf.Tensor {
  const dNarrow = drop(view(dy), mask); // [N, H]
  const dActive = consume(gelu(wide), (active) =>
    consume(dNarrow, () => linearBackward(work, `${name}.ffn.lin2`, active, dNarrow)),
  ); // [N, F]
  const dWide = consume(dActive, () => geluBackward(wide, dActive)); // [N, F]
  release(wide, mask);
  return consume(dWide, () => linearBackward(work, `${name}.ffn.lin1`, x, dWide)); // [N, H]
}

/** The mask of the rows that are computed, of one drawn for all places. */
export function drawRowMask(
  work: Work,
  { network, packing, isLast }: { network: TextLayer['network']; packing: Packing; isLast: boolean },
  site: string,
): Mask {
  const shape = [packing.size * packing.length, network.hiddenSize]; // [B · L, H]
  const places = isLast ? packing.firstPlaces : packing.places;
  const isEveryPlace = packing.isFull && !isLast;
  return drawMask(
    work,
    { shape, rate: network.dropout, site },
    isEveryPlace ? undefined : (m) => gatherRows(m, places),
  );
}
