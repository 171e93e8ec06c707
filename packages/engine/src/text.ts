// DistilBERT (Sanh et al. 2019), with the names and the post-norm order of Hugging Face's implementation:
// https://github.com/huggingface/transformers/blob/main/src/transformers/models/distilbert/modeling_distilbert.py
//
// Shapes: B samples, L tokens, H hidden size (768), A heads (12), D = H / A (64), F feed-forward size (3072), V vocabulary.
import type { TextArchitecture } from '@crosscheck/contract';
import { textPrefix } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { gelu } from './layers/activations.ts';
import { dropout } from './layers/dropout.ts';
import { layerNorm } from './layers/layer-norm.ts';
import { linear } from './layers/linear.ts';
import type { Pass } from './layers/pass.ts';

export interface TextNetwork extends TextArchitecture {
  /** Rate on embeddings and on the feed-forward output. */
  dropout: number;
  /** Rate on attention weights. */
  attentionDropout: number;
}

/** Token ids to the features of [CLS]: inputIds and attentionMask [B, L] int32 → [B, H]. */
export function encodeText(
  pass: Pass,
  network: TextNetwork,
  inputIds: tf.Tensor2D,
  attentionMask: tf.Tensor2D,
): tf.Tensor2D {
  const [B] = inputIds.shape;
  return tf.tidy(() => {
    const hidden = encodeTokens(pass, network, inputIds, attentionMask); // [B, L, H]
    return tf.reshape(tf.slice(hidden, [0, 0, 0], [B, 1, network.hiddenSize]), [B, network.hiddenSize]); // [B, H]
  });
}

/** Token ids to the features of every token: inputIds and attentionMask [B, L] int32 → [B, L, H]. */
export function encodeTokens(
  pass: Pass,
  network: TextNetwork,
  inputIds: tf.Tensor2D,
  attentionMask: tf.Tensor2D,
): tf.Tensor3D {
  const [B, L] = inputIds.shape;
  return tf.tidy(() => {
    const bias = maskBias(attentionMask); // [B, 1, 1, L]
    let x = embed(pass, network, inputIds); // [B·L, H]
    for (let i = 0; i < network.layers; i++) x = transformerLayer(pass, network, { index: i, x, bias }); // [B·L, H]
    return tf.reshape(x, [B, L, network.hiddenSize]); // [B, L, H]
  });
}

/** 0 on tokens; on padding a number so low that its softmax weight is exactly 0 in float32. */
export function maskBias(attentionMask: tf.Tensor2D): tf.Tensor4D {
  const [B, L] = attentionMask.shape;
  const isPadding = tf.sub(1, tf.cast(attentionMask, 'float32')); // [B, L]
  return tf.reshape(tf.mul(isPadding, -1e9), [B, 1, 1, L]); // [B, 1, 1, L]
}

function embed(pass: Pass, network: TextNetwork, inputIds: tf.Tensor2D): tf.Tensor2D {
  const [B, L] = inputIds.shape;
  const name = `${textPrefix}embeddings`;
  const x = tf.tidy(() => {
    const words = tf.gather(pass.weight(`${name}.word_embeddings.weight`), inputIds); // [B, L, H]
    const positions = tf.slice(pass.weight(`${name}.position_embeddings.weight`), 0, L); // [L, H]
    const sum = tf.reshape(tf.add(words, positions), [B * L, network.hiddenSize]) as tf.Tensor2D; // [B·L, H]
    return dropout(pass, layerNorm(pass, `${name}.LayerNorm`, sum, network.layerNormEpsilon), network.dropout, name); // [B·L, H]
  });
  pass.observe(name, x);
  return x;
}

interface LayerInput {
  index: number;
  x: tf.Tensor2D;
  bias: tf.Tensor4D;
}

function transformerLayer(pass: Pass, network: TextNetwork, { index, x, bias }: LayerInput): tf.Tensor2D {
  const name = `${textPrefix}transformer.layer.${index}`;
  const norm = (part: string, y: tf.Tensor2D) => layerNorm(pass, `${name}.${part}`, y, network.layerNormEpsilon);
  const output = tf.tidy(() => {
    const attended = norm('sa_layer_norm', tf.add(attention(pass, network, { name, x, bias }), x)); // [B·L, H]
    return norm('output_layer_norm', tf.add(feedForward(pass, network, name, attended), attended)); // [B·L, H]
  });
  pass.observe(name, output);
  return output;
}

/** Multi-head self-attention (Vaswani et al. 2017). */
function attention(
  pass: Pass,
  network: TextNetwork,
  { name, x, bias }: { name: string; x: tf.Tensor2D; bias: tf.Tensor4D },
): tf.Tensor2D {
  const { hiddenSize: H, heads: A, attentionDropout } = network;
  const [B, , , L] = bias.shape;
  const D = H / A;
  const project = (part: string) => linear(pass, `${name}.attention.${part}`, x); // [B·L, H]
  const splitHeads = (y: tf.Tensor2D) => tf.transpose(tf.reshape(y, [B, L, A, D]), [0, 2, 1, 3]); // [B, A, L, D]
  return tf.tidy(() => {
    const query = splitHeads(tf.mul(project('q_lin'), 1 / Math.sqrt(D))); // [B, A, L, D]
    const [key, value] = [splitHeads(project('k_lin')), splitHeads(project('v_lin'))]; // [B, A, L, D]
    const weights = tf.softmax(tf.add(tf.matMul(query, key, false, true), bias)); // [B, A, L, L]
    const context = tf.matMul(dropout(pass, weights, attentionDropout, `${name}.attention`), value); // [B, A, L, D]
    const merged = tf.reshape(tf.transpose(context, [0, 2, 1, 3]), [B * L, H]) as tf.Tensor2D; // [B·L, H]
    return linear(pass, `${name}.attention.out_lin`, merged); // [B·L, H]
  });
}

function feedForward(pass: Pass, network: TextNetwork, name: string, x: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const wide = gelu(linear(pass, `${name}.ffn.lin1`, x)); // [B·L, F]
    return dropout(pass, linear(pass, `${name}.ffn.lin2`, wide), network.dropout, `${name}.ffn`); // [B·L, H]
  });
}
