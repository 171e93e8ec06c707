// DistilBERT, as ../text.ts describes it. Only tokens are computed, and of the last layer only what [CLS] needs.
//
// Shapes: B samples, T tokens of all of them, H hidden size (768).

import { textPrefix } from '@crosscheck/network';
import type { tf } from '@crosscheck/tensorflow';
import type { TextNetwork } from '../text.ts';
import type { TextLayer } from './attention.ts';
import type { RowDropout } from './dropout.ts';
import { add, consume, gatherRows, release, scatterRows, view } from './kernels.ts';
import type { KeptNorm } from './layer-norm.ts';
import type { Packing } from './packing.ts';
import { type KeptLayer, rowDropout, transformerLayer, transformerLayerBackward } from './transformer.ts';
import type { Forward, Work } from './work.ts';

interface KeptEmbedding {
  norm: KeptNorm;
  dropout: RowDropout; // of [T, H]
}

/** What the way back needs, from the first part on whose parameters learn. */
export interface KeptText {
  /** Null where the embeddings do not learn. */
  embedding: KeptEmbedding | null;
  /** `x` is the layer's input, or null where the layer before can compute it again. */
  layers: { layer: TextLayer; x: tf.Tensor | null; kept: KeptLayer }[];
}

interface PackedText {
  network: TextNetwork;
  packing: Packing;
}

function layerAt({ network, packing }: PackedText, index: number): TextLayer {
  const name = `${textPrefix}transformer.layer.${index}`;
  return { name, network, packing, isLast: index === network.layers - 1 };
}

/** Packed tokens → the features of [CLS], [B, H]. */
export function encodeText(work: Work, text: PackedText): Forward<KeptText> {
  const embedding = embed(work, text);
  let x = embedding.y; // [T, H]
  let learns = work.learns(name);
  const kept: KeptText = { embedding: learns ? embedding.kept : null, layers: [] };
  if (!learns) release(embedding.kept);
  for (let i = 0; i < text.network.layers; i++) {
    const layer = layerAt(text, i);
    const canComputeAgain = learns;
    learns ||= work.learns(`${layer.name}.`);
    const { y, kept: keptLayer } = transformerLayer(work, layer, x);
    if (learns) kept.layers.push({ layer, x: canComputeAgain ? null : x, kept: keptLayer });
    else release(keptLayer);
    if (canComputeAgain || !learns) x.dispose();
    x = y; // [T, H], at last [B, H]
  }
  return { y: x, kept };
}

/** dy [B, H] */
export function encodeTextBackward(work: Work, text: PackedText, { embedding, layers }: KeptText, dy: tf.Tensor): void {
  let d = view(dy);
  for (let last = layers.pop(); last; last = layers.pop()) {
    const { layer, kept } = last;
    const x = last.x ?? outputBefore(work, embedding, layers); // [T, H]
    d = consume(x, () => consume(d, (dy) => transformerLayerBackward(work, layer, kept, { x, dy }))); // [T, H]
  }
  consume(d, () => embedding && embedBackward(work, text, embedding, d));
}

/** What the last of these layers has computed, or the embedding where there is none; once more. */
function outputBefore(work: Work, embedding: KeptEmbedding | null, layers: KeptText['layers']): tf.Tensor {
  const before = layers.at(-1);
  return before
    ? work.kernels.layerNorm.again(work, `${before.layer.name}.output_layer_norm`, before.kept.outputNorm)
    : embeddingAgain(work, embedding as KeptEmbedding); // [T, H]
}

const name = `${textPrefix}embeddings`;

/** → [T, H] */
function embed(work: Work, { network, packing }: PackedText): Forward<KeptEmbedding> {
  const words = gatherRows(work.weight(`${name}.word_embeddings.weight`), packing.ids); // [T, H]
  const places = gatherRows(work.weight(`${name}.position_embeddings.weight`), packing.positions); // [T, H]
  const sum = consume(words, () => consume(places, () => add(words, places))); // [T, H]
  const { y, kept } = work.kernels.layerNorm.forward(work, `${name}.LayerNorm`, sum, network.layerNormEpsilon); // [T, H]
  const dropout = rowDropout(work, { network, packing, isLast: false }, name);
  return { y: dropout.drop(y), kept: { norm: kept, dropout } };
}

function embeddingAgain(work: Work, { norm, dropout }: KeptEmbedding): tf.Tensor {
  return dropout.drop(work.kernels.layerNorm.again(work, `${name}.LayerNorm`, norm)); // [T, H]
}

function embedBackward(work: Work, { network, packing }: PackedText, kept: KeptEmbedding, dy: tf.Tensor) {
  const { norm, dropout } = kept;
  const dNormal = dropout.drop(view(dy)); // [T, H]
  const back = (d: tf.Tensor) => work.kernels.layerNorm.backward(work, `${name}.LayerNorm`, norm, d);
  const dSum = consume(dNormal, back); // [T, H]
  const { ids, positions } = packing;
  work.learn(`${name}.word_embeddings.weight`, () => scatterRows(dSum, ids, network.vocabSize)); // [V, H]
  work.learn(`${name}.position_embeddings.weight`, () => scatterRows(dSum, positions, network.maxPositions));
  release(dSum, dropout);
}
