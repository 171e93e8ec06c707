import type { ForwardOps, Ops, Tensor } from '../graph/ops.ts';
import type { Shape } from '../graph/tensors.ts';
import { apply, isOf, type Layer, type Value } from '../graph/value.ts';
import type { OnnxContext, OnnxValue } from '../onnx/context.ts';

export type Activation = keyof typeof functions;

interface Function {
  forward: (ops: ForwardOps, x: Tensor) => Tensor;
  /** From the function's argument x, or from its value y: whichever `reads` names. */
  backward: (ops: Ops, xOrY: Tensor, dy: Tensor) => Tensor;
  reads: 'inputs' | 'output';
  onnx: (context: OnnxContext, path: string, x: OnnxValue) => OnnxValue;
}

const node =
  (op: string) =>
  ({ graph }: OnnxContext, path: string, x: OnnxValue) =>
    graph.node(op, path, [x]);

const functions = {
  /** max(x, 0) */
  relu: {
    forward: (ops, x) => ops.relu(x),
    backward: (ops, y, dy) => ops.reluGradient(y, dy),
    reads: 'output',
    onnx: node('Relu'),
  },
  /** min(max(x, 0), 6), whose values fit a few bits (Howard et al. 2017) */
  relu6: {
    forward: (ops, x) => ops.relu6(x),
    backward: (ops, y, dy) => ops.relu6Gradient(y, dy),
    reads: 'output',
    onnx: ({ graph }, path, x) => graph.node('Clip', path, [x, graph.float(0), graph.float(6)]),
  },
  /**
   * x · σ(x), also called swish (Hendrycks and Gimpel 2016; Ramachandran et al. 2017). In ONNX x · Sigmoid(x), which onnxruntime fuses into
   * QuickGelu, while the Swish operator of opset 24 is inlined and slower.
   */
  silu: {
    forward: (ops, x) => ops.silu(x),
    backward: (ops, x, dy) => ops.siluGradient(x, dy),
    reads: 'inputs',
    onnx: ({ graph, mayFuse }, path, x) =>
      mayFuse(path)
        ? graph.fused('QuickGelu', path, [x], { alpha: { float: 1 } })
        : graph.node('Mul', path, [x, graph.node('Sigmoid', path, [x])]),
  },
  /** x · Φ(x), the exact one (Hendrycks and Gimpel 2016): one node from opset 20 on, before that the erf form that onnxruntime fuses into one. */
  gelu: {
    forward: (ops, x) => ops.gelu(x),
    backward: (ops, x, dy) => ops.geluGradient(x, dy),
    reads: 'inputs',
    onnx({ graph, opset, mayFuse }, path, x) {
      if (mayFuse(path)) return graph.fused('Gelu', path, [x]);
      if (opset >= 20) return graph.node('Gelu', path, [x]);
      const scaled = graph.node('Div', path, [x, graph.float(Math.SQRT2)]);
      const shifted = graph.node('Add', path, [graph.node('Erf', path, [scaled]), graph.float(1)]);
      return graph.node('Mul', `${path}/half`, [graph.node('Mul', path, [x, shifted]), graph.float(0.5)]);
    },
  },
  tanh: {
    forward: (ops, x) => ops.tanh(x),
    backward: (ops, y, dy) => ops.tanhGradient(y, dy),
    reads: 'output',
    onnx: node('Tanh'),
  },
  sigmoid: {
    forward: (ops, x) => ops.sigmoid(x),
    backward: (ops, y, dy) => ops.sigmoidGradient(y, dy),
    reads: 'output',
    onnx: node('Sigmoid'),
  },
} as const satisfies Record<string, Function>;

/** The functions themselves, for layers that have one inside. */
export const activationOf = (name: Activation): Function => functions[name];

interface ActivationOptions {
  function: Activation;
  path: string;
}

/** A layer of each function: what a gradient reads is what decides whether a value is kept. */
const layers = Object.fromEntries(
  Object.entries<Function>(functions).map(
    ([name, { forward, backward, reads, onnx }]): [string, Layer<ActivationOptions>] => [
      name,
      {
        shape: (_, [x]) => x as Shape,
        reads,
        forward: (ops, { inputs: [x] }) => ({ y: forward(ops, x as Tensor) }),
        again: (ops, { inputs: [x] }) => forward(ops, x as Tensor),
        backward: (ops, { inputs: [x], output, dy }) => [
          backward(ops, reads === 'inputs' ? (x as Tensor) : output, dy),
        ],
        onnx: (context, { options, inputs: [x] }) => onnx(context, options.path, x as OnnxValue),
      },
    ],
  ),
) as Record<Activation, Layer<ActivationOptions>>;

/** A function of every element. */
export const activation = (x: Value, options: ActivationOptions): Value =>
  apply(layers[options.function], options, [x]);

export const isActivation = (value: Value): value is Value & { options: ActivationOptions } =>
  Object.values(layers).some((layer) => isOf(value, layer));
