// DistilBERT in evaluation: https://arxiv.org/abs/1910.01108, weights by Hugging Face's names
// (transformers/models/distilbert/modeling_distilbert.py). Only [CLS] leaves the encoder, so the last layer computes its query, output
// and feed-forward for position 0 alone, which is exact. Attention's 1/√d is carried by the query weights.
// B batch, L tokens, D width, N heads, d width of a head.
import type { TextArchitecture } from '@crosscheck/contract';
import { textPrefix } from '@crosscheck/network';
import type { Value } from '../onnx/graph-builder.ts';
import type { NetworkContext } from './weights.ts';
import { plainWeight, scaledWeight, transposedWeight } from './weights.ts';

/** Added to the scores of padding; far below any score, far above −∞, so that a fully masked row stays finite. */
const maskedScore = 1e9;

/** Words as the network reads them. */
export interface EncodedText {
  /** Features of [CLS], [B, D], or of every token, [B, L, D]. */
  features: Value;
  /** Added to attention scores: 0 on tokens, −1e9 on padding, [B, 1, 1, L]. */
  mask: Value;
}

/**
 * inputIds [B, L], attentionMask [B, L] → features.
 *
 * @param architecture.allTokens whether those of every token are wanted, and not of [CLS] alone
 */
export function buildTextBackbone(
  context: NetworkContext,
  inputs: { inputIds: Value; attentionMask: Value },
  architecture: TextArchitecture & { allTokens: boolean },
): EncodedText {
  const mask = buildMask(context, inputs.attentionMask);
  const keep = context.fused.text ? context.graph.node('Cast', 'text/keep', [inputs.attentionMask], { to: 6 }) : '';
  let x = buildEmbeddings(context, inputs.inputIds, architecture); // [B, L, D]
  for (let layer = 0; layer < architecture.layers; layer++) {
    const isLast = layer === architecture.layers - 1 && !architecture.allTokens;
    x = buildLayer(context, { layer, mask, keep, architecture, isLast }, x);
  }
  return { features: x, mask };
}

/** 0 on tokens, −1e9 on padding: [B, 1, 1, L]. */
function buildMask({ graph }: NetworkContext, attentionMask: Value): Value {
  const path = 'text/mask';
  let mask = graph.node('Cast', path, [attentionMask], { to: 1 });
  mask = graph.node('Sub', path, [mask, graph.float(1)]);
  mask = graph.node('Mul', path, [mask, graph.float(maskedScore)]);
  return graph.node('Unsqueeze', path, [mask, graph.ints(1, 2)]);
}

function buildEmbeddings(context: NetworkContext, inputIds: Value, architecture: TextArchitecture): Value {
  const { graph } = context;
  const path = 'text/embeddings';
  const words = graph.node('Gather', `${path}/words`, [
    plainWeight(context, `${textPrefix}embeddings.word_embeddings.weight`),
    inputIds,
  ]); // [B, L, D]
  const length = graph.node('Shape', `${path}/length`, [inputIds], { start: 1, end: 2 }); // [1]
  const positions = graph.node('Slice', `${path}/positions`, [
    plainWeight(context, `${textPrefix}embeddings.position_embeddings.weight`),
    graph.ints(0),
    length,
    graph.ints(0),
  ]); // [L, D]
  const sum = graph.node('Add', path, [words, positions]); // [B, L, D]
  return layerNorm(context, path, sum, { name: `${textPrefix}embeddings.LayerNorm`, architecture });
}

interface Layer {
  layer: number;
  mask: Value;
  /** 1 on tokens, 0 on padding: [B, L] int32. */
  keep: Value;
  architecture: TextArchitecture;
  isLast: boolean;
}

/** Post-norm transformer layer; the last one returns [B, D] of [CLS], the others [B, L, D]. */
function buildLayer(context: NetworkContext, options: Layer, x: Value): Value {
  const { graph } = context;
  const { layer, architecture, isLast } = options;
  const path = `text/layer.${layer}`;
  const name = `${textPrefix}transformer.layer.${layer}`;
  const rows: Linear = isLast ? linear2d : linear3d;

  const queries = isLast ? graph.node('Gather', `${path}/cls`, [x, graph.int(0)], { axis: 1 }) : x; // [B, D] or [B, L, D]
  const context_ = buildAttention(
    context,
    { ...options, path: `${path}/attention`, name: `${name}.attention` },
    { x, queries },
  );
  let y = rows(context, `${path}/attention/out`, context_, { name: `${name}.attention.out_lin` });
  y = graph.node('Add', `${path}/attention/residual`, [y, queries]);
  y = layerNorm(context, `${path}/attention`, y, { name: `${name}.sa_layer_norm`, architecture });

  let z = rows(context, `${path}/ffn/lin1`, y, { name: `${name}.ffn.lin1` }); // [.., 4D]
  z = gelu(context, `${path}/ffn/gelu`, z);
  z = rows(context, `${path}/ffn/lin2`, z, { name: `${name}.ffn.lin2` }); // [.., D]
  z = graph.node('Add', `${path}/ffn/residual`, [z, y]);
  return layerNorm(context, `${path}/ffn`, z, { name: `${name}.output_layer_norm`, architecture });
}

/** The same in one node; it takes the mask itself, [B, L]. */
function buildFusedAttention(
  context: NetworkContext,
  options: Layer & { path: string; name: string },
  { x, queries }: { x: Value; queries: Value },
): Value {
  const { graph } = context;
  const { path, name, isLast, keep } = options;
  const { heads, hiddenSize } = options.architecture;
  const scale = 1 / Math.sqrt(hiddenSize / heads);
  let q = (isLast ? linear2d : linear3d)(context, `${path}/q`, queries, { name: `${name}.q_lin`, scale });
  if (isLast) q = graph.node('Unsqueeze', `${path}/q`, [q, graph.ints(1)]); // [B, 1, D]
  const k = linear3d(context, `${path}/k`, x, { name: `${name}.k_lin` }); // [B, L, D]
  const v = linear3d(context, `${path}/v`, x, { name: `${name}.v_lin` }); // [B, L, D]
  const attributes = { num_heads: heads, scale: { float: 1 }, mask_filter_value: { float: -maskedScore } };
  const mixed = graph.fused('MultiHeadAttention', path, [q, k, v, '', keep], attributes); // [B, L or 1, D]
  return isLast ? graph.node('Reshape', `${path}/context`, [mixed, graph.ints(0, hiddenSize)]) : mixed;
}

/** softmax(q·kᵀ/√d + mask)·v over heads; `queries` has L rows per post, or one ([B, D]) in the last layer. */
function buildAttention(
  context: NetworkContext,
  options: Layer & { path: string; name: string },
  { x, queries }: { x: Value; queries: Value },
): Value {
  if (context.fused.text) return buildFusedAttention(context, options, { x, queries });
  const { graph } = context;
  const { path, name, isLast, mask } = options;
  const { heads, hiddenSize } = options.architecture;
  const headSize = hiddenSize / heads;
  const split = graph.ints(0, 0, heads, headSize);

  const project = isLast ? linear2d : linear3d;
  let q = project(context, `${path}/q`, queries, { name: `${name}.q_lin`, scale: 1 / Math.sqrt(headSize) });
  if (isLast) {
    q = graph.node('Reshape', `${path}/q`, [q, graph.ints(0, heads, 1, headSize)]); // [B, N, 1, d]
  } else {
    q = graph.node('Reshape', `${path}/q`, [q, split]); // [B, L, N, d]
    q = graph.node('Transpose', `${path}/q`, [q], { perm: [0, 2, 1, 3] }); // [B, N, L, d]
  }
  let k = linear3d(context, `${path}/k`, x, { name: `${name}.k_lin` });
  k = graph.node('Reshape', `${path}/k`, [k, split]);
  k = graph.node('Transpose', `${path}/k`, [k], { perm: [0, 2, 3, 1] }); // [B, N, d, L]
  let v = linear3d(context, `${path}/v`, x, { name: `${name}.v_lin` });
  v = graph.node('Reshape', `${path}/v`, [v, split]);
  v = graph.node('Transpose', `${path}/v`, [v], { perm: [0, 2, 1, 3] }); // [B, N, L, d]

  let scores = graph.node('MatMul', `${path}/scores`, [q, k]); // [B, N, L or 1, L]
  scores = graph.node('Add', `${path}/scores`, [scores, mask]);
  const weights = graph.node('Softmax', `${path}/scores`, [scores], { axis: -1 });
  const mixed = graph.node('MatMul', `${path}/context`, [weights, v]); // [B, N, L or 1, d]
  if (isLast) return graph.node('Reshape', `${path}/context`, [mixed, graph.ints(0, hiddenSize)]); // [B, D]
  const joined = graph.node('Transpose', `${path}/context`, [mixed], { perm: [0, 2, 1, 3] }); // [B, L, N, d]
  return graph.node('Reshape', `${path}/context`, [joined, graph.ints(0, 0, hiddenSize)]); // [B, L, D]
}

export type Linear = (
  context: NetworkContext,
  path: string,
  x: Value,
  options: { name: string; scale?: number },
) => Value;

export const linear3d: Linear = (context, path, x, { name, scale = 1 }) => {
  const product = context.graph.node('MatMul', path, [x, transposedWeight(context, `${name}.weight`, scale)]);
  return context.graph.node('Add', path, [product, bias(context, name, scale)]);
};

/** Gemm takes the [out, in] weight as it is. */
export const linear2d: Linear = (context, path, x, { name, scale = 1 }) => {
  const weight = scale === 1 ? plainWeight(context, `${name}.weight`) : scaledWeight(context, `${name}.weight`, scale);
  return context.graph.node('Gemm', path, [x, weight, bias(context, name, scale)], { transB: 1 });
};

function bias(context: NetworkContext, name: string, scale: number): Value {
  return scale === 1 ? plainWeight(context, `${name}.bias`) : scaledWeight(context, `${name}.bias`, scale);
}

export function layerNorm(
  context: NetworkContext,
  path: string,
  x: Value,
  { name, architecture }: { name: string; architecture: Pick<TextArchitecture, 'layerNormEpsilon'> },
): Value {
  const [weight, shift] = [plainWeight(context, `${name}.weight`), plainWeight(context, `${name}.bias`)];
  const attributes = { axis: -1, epsilon: { float: architecture.layerNormEpsilon } };
  return context.graph.node('LayerNormalization', path, [x, weight, shift], attributes);
}

/** Exact GELU, x·Φ(x): one node from opset 20 on, before that the erf form that onnxruntime fuses into one. */
function gelu({ graph, opset, fused }: NetworkContext, path: string, x: Value): Value {
  if (fused.text) return graph.fused('Gelu', path, [x]);
  if (opset >= 20) return graph.node('Gelu', path, [x]);
  const scaled = graph.node('Div', path, [x, graph.float(Math.SQRT2)]);
  const shifted = graph.node('Add', path, [graph.node('Erf', path, [scaled]), graph.float(1)]);
  return graph.node('Mul', `${path}/half`, [graph.node('Mul', path, [x, shifted]), graph.float(0.5)]);
}
