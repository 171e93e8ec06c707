import type { tf } from '@crosscheck/tensorflow';
import {
  addAskedRows,
  askedRows,
  attention,
  attentionBackward,
  type KeptAttention,
  type TextLayer,
} from './attention.ts';
import type { RowDropout } from './dropout.ts';
import { add, consume, release, view } from './kernels.ts';
import type { KeptNorm } from './layer-norm.ts';
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
    work.kernels.layerNorm.forward(work, `${layer.name}.${part}`, sum, layer.network.layerNormEpsilon);
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
  const { layerNorm } = work.kernels;
  const dSum = layerNorm.backward(work, `${layer.name}.output_layer_norm`, kept.outputNorm, dy); // [N, H]
  const middle = layerNorm.again(work, `${layer.name}.sa_layer_norm`, kept.attentionNorm); // [N, H]
  const dFed = consume(middle, () => feedForwardBackward(work, layer, kept.feedForward, { x: middle, dy: dSum })); // [N, H]
  const dMiddle = consume(dSum, () => consume(dFed, () => add(dFed, dSum))); // [N, H]
  const dResidual = consume(dMiddle, (d) =>
    layerNorm.backward(work, `${layer.name}.sa_layer_norm`, kept.attentionNorm, d),
  ); // [N, H]
  const dAttended = attentionBackward(work, layer, kept.attention, { x, dy: dResidual }); // [T, H]
  return consume(dResidual, () => consume(dAttended, () => addAskedRows(layer, dAttended, dResidual)));
}

interface KeptFeedForward {
  /** Before GELU, [N, F]. */
  wide: tf.Tensor;
  dropout: RowDropout; // of [N, H]
}

/** x [N, H] → [N, H] */
function feedForward(work: Work, layer: TextLayer, x: tf.Tensor): Forward<KeptFeedForward> {
  const wide = linear(work, `${layer.name}.ffn.lin1`, x); // [N, F]
  const narrow = consume(work.kernels.gelu.forward(wide), (active) => linear(work, `${layer.name}.ffn.lin2`, active)); // [N, H]
  const dropout = rowDropout(work, layer, `${layer.name}.ffn`);
  return { y: dropout.drop(narrow), kept: { wide, dropout } };
}

function feedForwardBackward(
  work: Work,
  { name }: TextLayer,
  { wide, dropout }: KeptFeedForward,
  { x, dy }: { x: tf.Tensor; dy: tf.Tensor },
): tf.Tensor {
  const { gelu } = work.kernels;
  const dNarrow = dropout.drop(view(dy)); // [N, H]
  const dActive = consume(gelu.forward(wide), (active) =>
    consume(dNarrow, () => linearBackward(work, `${name}.ffn.lin2`, active, dNarrow)),
  ); // [N, F]
  const dWide = consume(dActive, () => gelu.backward(wide, dActive)); // [N, F]
  release(wide, dropout);
  return consume(dWide, () => linearBackward(work, `${name}.ffn.lin1`, x, dWide)); // [N, H]
}

/** Of the rows that are computed, in a mask over all places. */
export function rowDropout(
  work: Work,
  { network, packing, isLast }: { network: TextLayer['network']; packing: Packing; isLast: boolean },
  site: string,
): RowDropout {
  const shape = [packing.size * packing.length, network.hiddenSize]; // [B · L, H]
  const places = isLast ? packing.firstPlaces : packing.places;
  return work.kernels.rowDropout(work, { shape, rate: network.dropout, site }, places);
}
