// How the projected picture and words of a post become one vector, which the classifier reads: `model.fusion`.
//
// Shapes: B samples, E embedding (512), R regions of a picture (7 × 7), L tokens, N heads (8), D = E / N (64).
import { type Architecture, fusionHeads } from '@crosscheck/contract';
import { absenceNames } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { layerNorm } from './layers/layer-norm.ts';
import { linear } from './layers/linear.ts';
import type { Pass } from './layers/pass.ts';
import { lacksAny, type Presence } from './presence.ts';
import { maskBias } from './text.ts';

/** Both parts of every post, projected: a vector each, or for cross-attention one for every region and every token. */
export interface Projected {
  image: tf.Tensor; // [B, E] or [B, R, E]
  words: tf.Tensor; // [B, E] or [B, L, E]
  presence: Presence;
  /** 1 on tokens, 0 on padding, [B, L]; where words are tokens. */
  mask?: tf.Tensor2D;
}

/** Puts the learned vectors in the place of what posts lack, and brings both parts together: [B, 2E] or [B, E]. */
export function join(pass: Pass, strategy: Architecture['fusion'], parts: Projected): tf.Tensor2D {
  const { image, words, presence } = parts;
  return strategies[strategy](pass, {
    ...parts,
    image: standIn(pass, image, absenceNames.image, presence.hasImage),
    words: standIn(pass, words, absenceNames.text, presence.hasText),
  });
}

/** Rows that are there stay bit for bit as they are. */
function standIn(pass: Pass, projected: tf.Tensor, absence: string, has: Float32Array | undefined): tf.Tensor {
  if (!lacksAny(has)) return projected;
  const present = tf.tensor(has, [has.length, ...projected.shape.slice(1).map(() => 1)]); // [B, 1] or [B, 1, 1]
  return tf.add(tf.mul(projected, present), tf.mul(pass.weight(absence), tf.sub(1, present)));
}

type Strategy = (pass: Pass, parts: Projected) => tf.Tensor2D;

/** Side by side, as in the original: [v; t]. */
const concat: Strategy = (_, { image, words }) => tf.concat([image, words], 1) as tf.Tensor2D; // [B, 2E]

/**
 * Gated multimodal unit (Arevalo et al. 2017, https://arxiv.org/abs/1702.01992): z = σ(W [v; t]) weighs, feature by feature, what each part
 * says: z · tanh(Wv v) + (1 − z) · tanh(Wt t). Linears have a bias here.
 */
const gated: Strategy = (pass, { image, words }) => {
  const fromImage = tf.tanh(linear(pass, 'fusion.gated.image', image as tf.Tensor2D)); // [B, E]
  const fromWords = tf.tanh(linear(pass, 'fusion.gated.text', words as tf.Tensor2D)); // [B, E]
  const both = tf.concat([image, words], 1) as tf.Tensor2D; // [B, 2E]
  const balance = tf.sigmoid(linear(pass, 'fusion.gated.balance', both)); // [B, E]
  return tf.add(tf.mul(balance, fromImage), tf.mul(tf.sub(1, balance), fromWords)); // [B, E]
};

/**
 * Low-rank bilinear pooling (Kim et al. 2017, https://arxiv.org/abs/1610.04325): tanh(Wv v) ∘ tanh(Wt t), every product of a feature of the one with
 * one of the other at rank E. The linear that the paper puts behind is `fusion.0`.
 */
const bilinear: Strategy = (pass, { image, words }) => {
  const fromImage = tf.tanh(linear(pass, 'fusion.bilinear.image', image as tf.Tensor2D)); // [B, E]
  const fromWords = tf.tanh(linear(pass, 'fusion.bilinear.text', words as tf.Tensor2D)); // [B, E]
  return tf.mul(fromImage, fromWords); // [B, E]
};

/**
 * Co-attention (ViLBERT: Lu et al. 2019, https://arxiv.org/abs/1908.02265), one layer and no feed-forward: every region of the picture looks at the
 * words, every word at the regions; the mean of the regions and [CLS] stand side by side.
 */
const crossAttention: Strategy = (pass, { image, words, mask }) => {
  const noBias = tf.scalar(0);
  const bias = mask ? maskBias(mask) : noBias; // [B, 1, 1, L]
  const regions = attend(pass, 'fusion.cross_attention.image', { queries: image, context: words, bias }); // [B, R, E]
  const tokens = attend(pass, 'fusion.cross_attention.text', { queries: words, context: image, bias: noBias }); // [B, L, E]
  const first = tf.squeeze(tf.slice(tokens, [0, 0, 0], [-1, 1, -1]), [1]); // [B, E]
  return tf.concat([tf.mean(regions, 1), first], 1) as tf.Tensor2D; // [B, 2E]
};

const strategies: Record<Architecture['fusion'], Strategy> = {
  concat,
  gated,
  bilinear,
  cross_attention: crossAttention,
};

interface Attention {
  queries: tf.Tensor; // [B, Q, E]
  context: tf.Tensor; // [B, K, E]
  /** Added to the scores. */
  bias: tf.Tensor; // [B, 1, 1, K]
}

const normEpsilon = 1e-5;

/** norm(queries + attention(queries, context, context)), post-norm as in BERT: [B, Q, E]. */
function attend(pass: Pass, name: string, { queries, context, bias }: Attention): tf.Tensor {
  const [B, Q, E] = queries.shape as [number, number, number];
  const D = E / fusionHeads;
  const flat = (x: tf.Tensor) => tf.reshape(x, [-1, E]) as tf.Tensor2D; // [B·K, E]
  const heads = (part: string, x: tf.Tensor) =>
    tf.transpose(tf.reshape(linear(pass, `${name}.${part}`, flat(x)), [B, -1, fusionHeads, D]), [0, 2, 1, 3]); // [B, N, K, D]
  const scores = tf.matMul(heads('query', queries), heads('key', context), false, true); // [B, N, Q, K]
  const weights = tf.softmax(tf.add(tf.mul(scores, 1 / Math.sqrt(D)), bias)); // [B, N, Q, K]
  const mixed = tf.transpose(tf.matMul(weights, heads('value', context)), [0, 2, 1, 3]); // [B, Q, N, D]
  const output = linear(pass, `${name}.output`, flat(mixed)); // [B·Q, E]
  return tf.reshape(layerNorm(pass, `${name}.norm`, tf.add(output, flat(queries)), normEpsilon), [B, Q, E]);
}
