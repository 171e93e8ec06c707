// BERT's encoder (Devlin et al. 2019, https://arxiv.org/abs/1810.04805) as DistilBERT has it (Sanh et al. 2019): post-norm layers, no token
// types, no pooler. Names are those of Hugging Face's DistilBERT:
// https://github.com/huggingface/transformers/blob/main/src/transformers/models/distilbert/modeling_distilbert.py
//
// Shapes: B samples, L tokens, H hidden size (768), F feed-forward size (3072).
import type { TextArchitecture } from '@crosscheck/contract';
import { stage, type Value } from './graph/value.ts';
import { activation } from './layers/activation.ts';
import { add } from './layers/arithmetic.ts';
import { dropout } from './layers/dropout.ts';
import { embedding } from './layers/embedding.ts';
import { layerNorm } from './layers/layer-norm.ts';
import { linear } from './layers/linear.ts';
import { selfAttention } from './layers/self-attention.ts';

export const textPrefix = 'text_branch.backbone.';

export interface TextNetwork extends TextArchitecture {
  /** Rate on embeddings and on the feed-forward output. */
  dropout: number;
  /** Rate on attention weights. */
  attentionDropout: number;
}

/** The batch's tokens → features of every token, [B, L, H]. */
export function bert(network: TextNetwork): Value {
  const { vocabSize, maxPositions, hiddenSize, layerNormEpsilon: epsilon } = network;
  const name = `${textPrefix}embeddings`;
  const path = 'text/embeddings';
  let x = embedding({ name, path, vocabulary: vocabSize, positions: maxPositions, width: hiddenSize }); // [B, L, H]
  x = layerNorm(x, { name: `${name}.LayerNorm`, path, epsilon });
  x = stage(name, dropout(x, { rate: network.dropout, site: name }));
  for (let i = 0; i < network.layers; i++) x = transformerLayer(network, x, i); // [B, L, H]
  return x;
}

/** Attention and a feed-forward network, each added to what it read and normalised. */
function transformerLayer(network: TextNetwork, x: Value, index: number): Value {
  const { heads, hiddenSize, feedForwardSize, attentionDropout, layerNormEpsilon: epsilon } = network;
  const name = `${textPrefix}transformer.layer.${index}`;
  const path = `text/layer.${index}`;
  const attend = { name: `${name}.attention`, path: `${path}/attention`, heads };
  let y = selfAttention(x, { ...attend, rate: attentionDropout, site: attend.name }); // [B, L, H]
  y = add(y, x, `${path}/attention/residual`);
  const middle = layerNorm(y, { name: `${name}.sa_layer_norm`, path: `${path}/attention`, epsilon });
  y = linear(middle, { name: `${name}.ffn.lin1`, path: `${path}/ffn/lin1`, outputs: feedForwardSize, initial: 'bert' }); // [B, L, F]
  y = activation(y, { function: 'gelu', path: `${path}/ffn/gelu` });
  y = linear(y, { name: `${name}.ffn.lin2`, path: `${path}/ffn/lin2`, outputs: hiddenSize, initial: 'bert' }); // [B, L, H]
  y = add(dropout(y, { rate: network.dropout, site: `${name}.ffn` }), middle, `${path}/ffn/residual`);
  return stage(name, layerNorm(y, { name: `${name}.output_layer_norm`, path: `${path}/ffn`, epsilon }));
}
