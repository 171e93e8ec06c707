import type { Attention, ForwardOps, Tensor } from '../graph/ops.ts';
import type { Shape } from '../graph/tensors.ts';
import { apply, isOf, type Layer, type Value } from '../graph/value.ts';
import { maskedScore, type OnnxContext, type OnnxValue } from '../onnx/context.ts';
import { linearBackward, linearForward, linearOnnx, linearParameters, widthOf } from './linear.ts';
import { firstTokenOnnx } from './tokens.ts';

export interface SelfAttentionOptions extends Attention {
  /** Of `<name>.q_lin`, `k_lin`, `v_lin` and `out_lin`. */
  name: string;
  path: string;
}

/** The rows of x [T, H] that ask: all, or the first of each sample. */
const askingRows = (ops: ForwardOps, { rows }: Attention, x: Tensor): Tensor =>
  rows === 'all' ? x : ops.gatherRows(x, ops.tokens.firstRows);

interface KeptAttention {
  heads: object;
  context: Tensor; // [N, H]
}

/**
 * Every token looks at all tokens of its text (Vaswani et al. 2017): softmax(q · kᵀ / √(H / A)) · v for each of A heads, between linears.
 */
const layer: Layer<SelfAttentionOptions> = {
  parameters({ name }, [x]) {
    const width = widthOf(x as Shape);
    const parts = ['q_lin', 'k_lin', 'v_lin', 'out_lin'];
    return parts.flatMap((part) => linearParameters(`${name}.${part}`, [width, width], { initial: 'bert' }));
  },
  shape: ({ rows }, [x]) => (rows === 'all' ? (x as Shape) : ['B', widthOf(x as Shape)]),
  reads: 'inputs',
  forward(ops, { options, inputs: [x] }) {
    const project = (part: string, rows: Tensor) => linearForward(ops, `${options.name}.${part}`, rows);
    const query = project('q_lin', askingRows(ops, options, x as Tensor)); // [N, H]
    const rows = { query, key: project('k_lin', x as Tensor), value: project('v_lin', x as Tensor) };
    const { y: context, kept: heads } = ops.attention(rows, options); // [N, H]
    return { y: project('out_lin', context), kept: { heads, context } };
  },
  backward(ops, { options, inputs: [x], kept, dy }) {
    const { heads, context } = kept as KeptAttention;
    const back = (part: string, rows: Tensor, d: Tensor) => linearBackward(ops, `${options.name}.${part}`, rows, d);
    const d = ops.attentionGradient(heads, options, back('out_lin', context, dy));
    const dx = ops.add(back('k_lin', x as Tensor, d.key), back('v_lin', x as Tensor, d.value)); // [T, H]
    const dAsking = back('q_lin', askingRows(ops, options, x as Tensor), d.query); // [N, H]
    const { firstRows, count } = ops.tokens;
    return [ops.add(dx, options.rows === 'all' ? dAsking : ops.scatterRows(dAsking, firstRows, count))];
  },
  onnx(context, { options, inputs: [x] }) {
    const { name, path, rows } = options;
    const all = x as OnnxValue; // [B, L, H]
    const asking = rows === 'all' ? all : firstTokenOnnx(context, path.replace(/[^/]+$/, 'cls'), all); // [B, H]
    const mixed = context.mayFuse(path)
      ? fusedOnnx(context, options, { all, asking })
      : plainOnnx(context, options, { all, asking });
    return linearOnnx(context, { name: `${name}.out_lin`, path: `${path}/out`, rank: rows === 'all' ? 3 : 2 }, mixed);
  },
};

interface Asked {
  all: OnnxValue; // [B, L, H]
  /** [B, L, H], or [B, H] of the first tokens. */
  asking: OnnxValue;
}

/** 1/√d is carried by the weights of q. */
const sizesOf = (context: OnnxContext, { name, heads }: SelfAttentionOptions) => {
  const [width = 0] = context.weights.shape(`${name}.q_lin.weight`);
  return { width, head: width / heads, scale: 1 / Math.sqrt(width / heads) };
};

/** The same in one node of onnxruntime; it takes the mask itself, [B, L]. */
function fusedOnnx(context: OnnxContext, options: SelfAttentionOptions, { all, asking }: Asked): OnnxValue {
  const { graph } = context;
  const { name, path, heads, rows } = options;
  const { width, scale } = sizesOf(context, options);
  const rank = rows === 'all' ? 3 : 2;
  let q = linearOnnx(context, { name: `${name}.q_lin`, path: `${path}/q`, rank, factor: scale }, asking);
  if (rows === 'first') q = graph.node('Unsqueeze', `${path}/q`, [q, graph.ints(1)]); // [B, 1, H]
  const k = linearOnnx(context, { name: `${name}.k_lin`, path: `${path}/k`, rank: 3 }, all); // [B, L, H]
  const v = linearOnnx(context, { name: `${name}.v_lin`, path: `${path}/v`, rank: 3 }, all); // [B, L, H]
  const attributes = { num_heads: heads, scale: { float: 1 }, mask_filter_value: { float: -maskedScore } };
  const mixed = graph.fused('MultiHeadAttention', path, [q, k, v, '', context.inputs.keep], attributes); // [B, L or 1, H]
  return rows === 'first' ? graph.node('Reshape', `${path}/context`, [mixed, graph.ints(0, width)]) : mixed;
}

function plainOnnx(context: OnnxContext, options: SelfAttentionOptions, { all, asking }: Asked): OnnxValue {
  const { graph, inputs } = context;
  const { name, path, heads, rows } = options;
  const { width, head, scale } = sizesOf(context, options);
  const isFirst = rows === 'first';
  const split = (part: string, x: OnnxValue, perm: number[]) => {
    const reshaped = graph.node('Reshape', `${path}/${part}`, [x, graph.ints(0, 0, heads, head)]); // [B, L, A, d]
    return graph.node('Transpose', `${path}/${part}`, [reshaped], { perm });
  };
  const queries = { name: `${name}.q_lin`, path: `${path}/q`, rank: isFirst ? 2 : 3, factor: scale };
  const projected = linearOnnx(context, queries, asking);
  const q = isFirst
    ? graph.node('Reshape', `${path}/q`, [projected, graph.ints(0, heads, 1, head)]) // [B, A, 1, d]
    : split('q', projected, [0, 2, 1, 3]); // [B, A, L, d]
  const project = (part: string) =>
    linearOnnx(context, { name: `${name}.${part}_lin`, path: `${path}/${part}`, rank: 3 }, all);
  const k = split('k', project('k'), [0, 2, 3, 1]); // [B, A, d, L]
  const v = split('v', project('v'), [0, 2, 1, 3]); // [B, A, L, d]
  const mixed = mixOnnx(context, path, { q, k, v, mask: inputs.maskBias }); // [B, A, L or 1, d]
  if (isFirst) return graph.node('Reshape', `${path}/context`, [mixed, graph.ints(0, width)]); // [B, H]
  const joined = graph.node('Transpose', `${path}/context`, [mixed], { perm: [0, 2, 1, 3] }); // [B, L, A, d]
  return graph.node('Reshape', `${path}/context`, [joined, graph.ints(0, 0, width)]); // [B, L, H]
}

/** softmax(q · k + mask) · v */
export function mixOnnx(
  { graph }: OnnxContext,
  path: string,
  { q, k, v, mask }: { q: OnnxValue; k: OnnxValue; v: OnnxValue; mask: OnnxValue | null },
): OnnxValue {
  let scores = graph.node('MatMul', `${path}/scores`, [q, k]); // [B, A, Q, K]
  if (mask !== null) scores = graph.node('Add', `${path}/scores`, [scores, mask]);
  const weights = graph.node('Softmax', `${path}/scores`, [scores], { axis: -1 });
  return graph.node('MatMul', `${path}/context`, [weights, v]); // [B, A, Q, d]
}

/** x [B, L, H] → [B, L, H] */
export const selfAttention = (x: Value, options: Omit<SelfAttentionOptions, 'rows'>): Value =>
  apply(layer, { ...options, rows: 'all' }, [x]);

/** The same for the first tokens alone, [B, H]; null for what is no attention. */
export function askedByFirst(value: Value): Value | null {
  return isOf(value, layer) ? apply(layer, { ...value.options, rows: 'first' }, value.inputs) : null;
}
