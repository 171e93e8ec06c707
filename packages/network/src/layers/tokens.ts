import type { Tensor } from '../graph/ops.ts';
import type { Shape } from '../graph/tensors.ts';
import { apply, isOf, type Layer, type Value } from '../graph/value.ts';
import type { OnnxContext, OnnxValue } from '../onnx/context.ts';
import { widthOf } from './linear.ts';

interface Named {
  path: string;
}

/** One node, however many layers ask for it. */
export const firstTokenOnnx = ({ graph }: OnnxContext, path: string, x: OnnxValue): OnnxValue =>
  graph.once('Gather', path, [x, graph.int(0)], { axis: 1 });

const firstLayer: Layer<Named> = {
  shape: (_, [x]) => ['B', widthOf(x as Shape)],
  forward: (ops, { inputs: [x] }) => ({ y: ops.gatherRows(x as Tensor, ops.tokens.firstRows) }),
  backward: (ops, { dy }) => [ops.scatterRows(dy, ops.tokens.firstRows, ops.tokens.count)],
  onnx: (context, { options, inputs: [x] }) => firstTokenOnnx(context, options.path, x as OnnxValue),
};
/** The features of [CLS]: [B, L, H] → [B, H] */
export const firstToken = (x: Value, path: string): Value => apply(firstLayer, { path }, [x]);
export const isFirstToken = (value: Value): value is Value & { options: Named } => isOf(value, firstLayer);

/** 1 / n for each of a text's n tokens, 0 on padding: [B, L] */
function sharesOnnx({ graph, inputs }: OnnxContext, path: string): OnnxValue {
  const mask = graph.node('Cast', path, [inputs.attentionMask], { to: 1 }); // [B, L]
  const tokens = graph.node('ReduceSum', path, [mask, graph.ints(1)], { keepdims: 1 }); // [B, 1]
  return graph.node('Div', path, [mask, graph.node('Max', path, [tokens, graph.float(1)])]); // [B, L]
}

const meanLayer: Layer<Named> = {
  shape: (_, [x]) => ['B', widthOf(x as Shape)],
  forward: (ops, { inputs: [x] }) => ({ y: ops.meanOfTokens(x as Tensor) }),
  backward: (ops, { dy }) => [ops.meanOfTokensGradient(dy)],
  onnx(context, { options: { path }, inputs: [x] }) {
    const { graph } = context;
    const shares = graph.node('Unsqueeze', path, [sharesOnnx(context, path), graph.ints(1)]); // [B, 1, L]
    const mean = graph.node('MatMul', path, [shares, x as OnnxValue]); // [B, 1, H]
    return graph.node('Squeeze', path, [mean, graph.ints(1)]); // [B, H]
  },
};
/** The mean over the tokens of each text, without padding: [B, L, H] → [B, H] */
export const meanOfTokens = (x: Value, path: string): Value => apply(meanLayer, { path }, [x]);

const spreadLayer: Layer<object> = {
  shape: (_, [x]) => x as Shape,
  forward: (ops, { inputs: [x] }) => ({ y: ops.spreadTokens(x as Tensor) }),
  backward: (ops, { dy }) => [ops.gatherTokens(dy)],
  onnx: (_, { inputs: [x] }) => x as OnnxValue,
};
/** Engines that compute tokens alone put them at their places here, beside padding: [B, L, H]. */
export const spreadTokens = (x: Value): Value => apply(spreadLayer, {}, [x]);

const firstRowLayer: Layer<Named> = {
  shape: (_, [x]) => ['B', widthOf(x as Shape)],
  reads: 'inputs',
  forward: (ops, { inputs: [x] }) => ({ y: ops.firstRow(x as Tensor) }),
  backward: (ops, { inputs: [x], dy }) => [ops.firstRowGradient(x as Tensor, dy)],
  onnx: (context, { options, inputs: [x] }) => firstTokenOnnx(context, options.path, x as OnnxValue),
};
/** The first row of each sample, once tokens stand at their places: [B, L, H] → [B, H] */
export const firstRow = (x: Value, path: string): Value => apply(firstRowLayer, { path }, [x]);
