// How the projected picture and words of a post become one vector: the strategies that packages/engine/src/join.ts defines.
// B batch, E embedding, R regions, L tokens, N heads, d width of a head.
import { type Architecture, fusionHeads } from '@crosscheck/contract';
import type { Value } from '../onnx/graph-builder.ts';
import type { Parts } from './absence.ts';
import { layerNorm, linear2d, linear3d } from './text.ts';
import type { NetworkContext } from './weights.ts';

export interface Projected extends Parts {
  /** Added to attention scores over tokens, [B, 1, 1, L]. */
  mask: Value;
  /** E */
  width: number;
}

type Strategy = (context: NetworkContext, parts: Projected) => Value;

const concat: Strategy = ({ graph }, { image, text }) => graph.node('Concat', 'fusion', [image, text], { axis: 1 }); // [B, 2E]

/** tanh of a linear layer, [B, E] */
function squashed(context: NetworkContext, name: string, x: Value): Value {
  return context.graph.node('Tanh', name, [linear2d(context, name, x, { name })]);
}

const gated: Strategy = (context, { image, text }) => {
  const { graph } = context;
  const path = 'fusion.gated';
  const fromImage = squashed(context, `${path}.image`, image); // [B, E]
  const fromText = squashed(context, `${path}.text`, text); // [B, E]
  const both = graph.node('Concat', path, [image, text], { axis: 1 }); // [B, 2E]
  const scores = linear2d(context, `${path}.balance`, both, { name: `${path}.balance` });
  const balance = graph.node('Sigmoid', path, [scores]); // [B, E]
  // z · v + (1 − z) · t
  const weighted = graph.node('Mul', `${path}.image`, [balance, fromImage]);
  const rest = graph.node('Sub', path, [graph.float(1), balance]);
  return graph.node('Add', path, [weighted, graph.node('Mul', `${path}.text`, [rest, fromText])]); // [B, E]
};

const bilinear: Strategy = (context, { image, text }) =>
  context.graph.node('Mul', 'fusion.bilinear', [
    squashed(context, 'fusion.bilinear.image', image),
    squashed(context, 'fusion.bilinear.text', text),
  ]); // [B, E]

const crossAttention: Strategy = (context, { image, text, mask, width }) => {
  const { graph } = context;
  const name = 'fusion.cross_attention';
  const regions = attend(context, `${name}.image`, { queries: image, keys: text, mask, width }); // [B, R, E]
  const tokens = attend(context, `${name}.text`, { queries: text, keys: image, mask: null, width }); // [B, L, E]
  const mean = graph.node('ReduceMean', `${name}.image`, [regions, graph.ints(1)], { keepdims: 0 }); // [B, E]
  const first = graph.node('Gather', `${name}.text`, [tokens, graph.int(0)], { axis: 1 }); // [B, E]
  return graph.node('Concat', 'fusion', [mean, first], { axis: 1 }); // [B, 2E]
};

/** What `fusion.0` reads. */
export const strategies: Record<Architecture['fusion'], Strategy> = {
  concat,
  gated,
  bilinear,
  cross_attention: crossAttention,
};

interface Attention {
  queries: Value; // [B, Q, E]
  keys: Value; // [B, K, E]
  mask: Value | null;
  width: number;
}

/** norm(queries + attention(queries, keys, keys)); 1/√d is carried by the query weights. */
function attend(context: NetworkContext, name: string, { queries, keys, mask, width }: Attention): Value {
  const { graph } = context;
  const headSize = width / fusionHeads;
  const heads = (part: string, x: Value, perm: number[], scale = 1) => {
    const path = `${name}.${part}`;
    const projected = linear3d(context, path, x, { name: path, scale });
    const split = graph.node('Reshape', path, [projected, graph.ints(0, 0, fusionHeads, headSize)]); // [B, K, N, d]
    return graph.node('Transpose', path, [split], { perm });
  };
  const query = heads('query', queries, [0, 2, 1, 3], 1 / Math.sqrt(headSize)); // [B, N, Q, d]
  const key = heads('key', keys, [0, 2, 3, 1]); // [B, N, d, K]
  const value = heads('value', keys, [0, 2, 1, 3]); // [B, N, K, d]
  let scores = graph.node('MatMul', `${name}.scores`, [query, key]); // [B, N, Q, K]
  if (mask !== null) scores = graph.node('Add', `${name}.scores`, [scores, mask]);
  const weights = graph.node('Softmax', `${name}.scores`, [scores], { axis: -1 });
  const mixed = graph.node('MatMul', `${name}.context`, [weights, value]); // [B, N, Q, d]
  const joined = graph.node('Transpose', `${name}.context`, [mixed], { perm: [0, 2, 1, 3] }); // [B, Q, N, d]
  const rows = graph.node('Reshape', `${name}.context`, [joined, graph.ints(0, 0, width)]); // [B, Q, E]
  const output = linear3d(context, `${name}.output`, rows, { name: `${name}.output` });
  const sum = graph.node('Add', `${name}.residual`, [output, queries]);
  return layerNorm(context, name, sum, { name: `${name}.norm`, architecture: { layerNormEpsilon: 1e-5 } }); // [B, Q, E]
}
