// DistilBERT, as ../text.ts describes it. Only tokens are computed, and of the last layer only what [CLS] needs.
//
// Shapes: B samples, T tokens of all of them, H hidden size (768).
import type { tf } from '@crosscheck/tensorflow';
import type { TextNetwork } from '../text.ts';
import { textPrefix } from '../weights/parameter-names.ts';
import type { TextLayer } from './attention.ts';
import { drop, type Mask } from './dropout.ts';
import { add, consume, gatherRows, release, scatterRows, view } from './kernels.ts';
import { type KeptNorm, layerNorm, layerNormAgain, layerNormBackward } from './layer-norm.ts';
import type { Packing } from './packing.ts';
import { drawRowMask, type KeptLayer, transformerLayer, transformerLayerBackward } from './transformer.ts';
import type { Forward, Work } from './work.ts';

interface KeptEmbedding {
  norm: KeptNorm;
  mask: Mask; // [T, H]
}

export interface KeptText {
  embedding: KeptEmbedding;
  layers: KeptLayer[];
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
  const layers: KeptLayer[] = [];
  let x = embedding.y; // [T, H]
  for (let i = 0; i < text.network.layers; i++) {
    const { y, kept } = consume(x, () => transformerLayer(work, layerAt(text, i), x));
    if (work.isForwardOnly) release(kept);
    else layers.push(kept);
    x = y; // [T, H], at last [B, H]
  }
  if (work.isForwardOnly) release(embedding.kept);
  return { y: x, kept: { embedding: embedding.kept, layers } };
}

/** dy [B, H] */
export function encodeTextBackward(work: Work, text: PackedText, { embedding, layers }: KeptText, dy: tf.Tensor): void {
  let d = view(dy);
  while (layers.length > 0) {
    const kept = layers.pop() as KeptLayer;
    const i = layers.length;
    const before = layers.at(-1);
    const x = before
      ? layerNormAgain(work, `${layerAt(text, i - 1).name}.output_layer_norm`, before.outputNorm)
      : embeddingAgain(work, embedding); // [T, H]
    d = consume(x, () => consume(d, (dy) => transformerLayerBackward(work, layerAt(text, i), kept, { x, dy }))); // [T, H]
  }
  consume(d, () => embedBackward(work, text, embedding, d));
}

const name = `${textPrefix}embeddings`;

/** → [T, H] */
function embed(work: Work, { network, packing }: PackedText): Forward<KeptEmbedding> {
  const words = gatherRows(work.weight(`${name}.word_embeddings.weight`), packing.ids); // [T, H]
  const places = gatherRows(work.weight(`${name}.position_embeddings.weight`), packing.positions); // [T, H]
  const sum = consume(words, () => consume(places, () => add(words, places))); // [T, H]
  const { y, kept } = layerNorm(work, `${name}.LayerNorm`, sum, network.layerNormEpsilon); // [T, H]
  const mask = drawRowMask(work, { network, packing, isLast: false }, name); // [T, H]
  return { y: drop(y, mask), kept: { norm: kept, mask } };
}

function embeddingAgain(work: Work, { norm, mask }: KeptEmbedding): tf.Tensor {
  return drop(layerNormAgain(work, `${name}.LayerNorm`, norm), mask); // [T, H]
}

function embedBackward(work: Work, { network, packing }: PackedText, { norm, mask }: KeptEmbedding, dy: tf.Tensor) {
  const dNormal = drop(view(dy), mask); // [T, H]
  const dSum = consume(dNormal, () => layerNormBackward(work, `${name}.LayerNorm`, norm, dNormal)); // [T, H]
  const { ids, positions } = packing;
  work.learn(`${name}.word_embeddings.weight`, () => scatterRows(dSum, ids, network.vocabSize)); // [V, H]
  work.learn(`${name}.position_embeddings.weight`, () => scatterRows(dSum, positions, network.maxPositions));
  release(dSum, mask);
}
