import type { Tensor } from '../graph/ops.ts';
import type { Shape } from '../graph/tensors.ts';
import { apply, type Layer, type Value } from '../graph/value.ts';
import type { OnnxValue } from '../onnx/context.ts';
import { linearBackward, linearForward, linearOnnx, linearParameters, widthOf } from './linear.ts';
import { mixOnnx } from './self-attention.ts';

interface CrossAttentionOptions {
  /** Of `<name>.query`, `key`, `value` and `output`. */
  name: string;
  heads: number;
  /** Keys are tokens: padding is not seen. */
  isMasked: boolean;
}

interface KeptAttention {
  query: Tensor; // [B, A, Q, d], scaled
  key: Tensor; // [B, A, K, d]
  value: Tensor; // [B, A, K, d]
  weights: Tensor; // [B, A, Q, K]
  mixed: Tensor; // [B, Q, E]
}

const scaleOf = (x: Tensor, heads: number) => 1 / Math.sqrt((x.shape.at(-1) as number) / heads);

/** Rows of one kind look at rows of another: queries [B, Q, E] over context [B, K, E] → [B, Q, E] (Vaswani et al. 2017). */
const layer: Layer<CrossAttentionOptions> = {
  parameters({ name }, [queries]) {
    const width = widthOf(queries as Shape);
    return ['query', 'key', 'value', 'output'].flatMap((part) => linearParameters(`${name}.${part}`, [width, width]));
  },
  shape: (_, [queries]) => queries as Shape,
  reads: 'inputs',
  forward(ops, { options, inputs }) {
    const { name, heads, isMasked } = options;
    const [queries, context] = inputs as [Tensor, Tensor];
    const project = (part: string, x: Tensor) => ops.splitHeads(linearForward(ops, `${name}.${part}`, x), heads);
    const query = ops.scale(project('query', queries), scaleOf(queries, heads)); // [B, A, Q, d]
    const [key, value] = [project('key', context), project('value', context)]; // [B, A, K, d]
    const scores = ops.product(query, key, 'right'); // [B, A, Q, K]
    const weights = ops.softmax(isMasked ? ops.add(scores, ops.tokens.bias) : scores);
    const mixed = ops.mergeHeads(ops.product(weights, value)); // [B, Q, E]
    return { y: linearForward(ops, `${name}.output`, mixed), kept: { query, key, value, weights, mixed } };
  },
  backward(ops, { options: { name, heads }, inputs, kept, dy }) {
    const [queries, context] = inputs as [Tensor, Tensor];
    const { query, key, value, weights, mixed } = kept as KeptAttention;
    const dMixed = ops.splitHeads(linearBackward(ops, `${name}.output`, mixed, dy), heads); // [B, A, Q, d]
    const dScores = ops.softmaxGradient(weights, ops.product(dMixed, value, 'right')); // [B, A, Q, K]
    const back = (part: string, x: Tensor, d: Tensor) => linearBackward(ops, `${name}.${part}`, x, ops.mergeHeads(d));
    const dQuery = ops.scale(ops.product(dScores, key), scaleOf(queries, heads)); // [B, A, Q, d]
    const dContext = [
      back('key', context, ops.product(dScores, query, 'left')),
      back('value', context, ops.product(weights, dMixed, 'left')),
    ] as const; // [B, K, E] each
    return [back('query', queries, dQuery), ops.add(...dContext)];
  },
  onnx(context, { options: { name, heads, isMasked }, inputs, shapes: [shape] }) {
    const { graph } = context;
    const [queries, keys] = inputs as [OnnxValue, OnnxValue];
    const width = widthOf(shape as Shape);
    // oxlint-disable-next-line max-params -- which part, of what, in which order, times what
    const project = (part: string, x: OnnxValue, perm: number[], factor = 1) => {
      const path = `${name}.${part}`;
      const projected = linearOnnx(context, { name: path, path, rank: 3, factor }, x);
      const split = graph.node('Reshape', path, [projected, graph.ints(0, 0, heads, width / heads)]); // [B, K, A, d]
      return graph.node('Transpose', path, [split], { perm });
    };
    const q = project('query', queries, [0, 2, 1, 3], 1 / Math.sqrt(width / heads)); // [B, A, Q, d]
    const k = project('key', keys, [0, 2, 3, 1]); // [B, A, d, K]
    const v = project('value', keys, [0, 2, 1, 3]); // [B, A, K, d]
    const mixed = mixOnnx(context, name, { q, k, v, mask: isMasked ? context.inputs.maskBias : null }); // [B, A, Q, d]
    const joined = graph.node('Transpose', `${name}.context`, [mixed], { perm: [0, 2, 1, 3] }); // [B, Q, A, d]
    const rows = graph.node('Reshape', `${name}.context`, [joined, graph.ints(0, 0, width)]); // [B, Q, E]
    return linearOnnx(context, { name: `${name}.output`, path: `${name}.output`, rank: 3 }, rows);
  },
};

export const crossAttention = (queries: Value, context: Value, options: CrossAttentionOptions): Value =>
  apply(layer, options, [queries, context]);
