import type { ForwardOps, Ops, Tensor } from '../graph/ops.ts';
import { type Initial, type Parameter, parameter, type Shape } from '../graph/tensors.ts';
import { apply, isOf, type Layer, type Value } from '../graph/value.ts';
import { type OnnxContext, type OnnxValue, transposedWeight, weight } from '../onnx/context.ts';

export interface LinearOptions {
  /** Of `<name>.weight` [out, in] and `<name>.bias` [out]. */
  name: string;
  /** In the ONNX graph. */
  path: string;
  outputs: number;
  /** @default 'torch' */
  initial: keyof typeof initials;
}

type Initials = (inputs: number, outputs: number) => [weight: Initial, bias: Initial];

/** How a linear layer starts. */
const initials = {
  /** torch.nn.Linear: uniform in ±1/√in. */
  torch: (inputs) => {
    const uniform = { rule: 'uniform', bound: 1 / Math.sqrt(inputs) } as const;
    return [uniform, uniform];
  },
  /** BERT: normal with deviation 0.02, bias 0. */
  bert: () => [{ rule: 'normal', deviation: 0.02 }, { rule: 'zeros' }],
  /** torchvision's convolutions: normal with variance 2 / fan_out, bias 0. */
  convolution: (_, outputs) => [{ rule: 'normal', deviation: Math.sqrt(2 / outputs) }, { rule: 'zeros' }],
} as const satisfies Record<string, Initials>;

export const widthOf = (shape: Shape): number => shape.at(-1) as number;

/** The parameters of a linear layer [out, in]; `isConvolution` where PyTorch has a 1×1 convolution in its place. */
export function linearParameters(
  name: string,
  [outputs, inputs]: [number, number],
  { initial = 'torch', isConvolution = false }: { initial?: LinearOptions['initial']; isConvolution?: boolean } = {},
): Parameter[] {
  const shape = isConvolution ? [outputs, inputs, 1, 1] : [outputs, inputs];
  const [ofWeight, ofBias] = (initials[initial] as Initials)(inputs, outputs);
  return [
    parameter(`${name}.weight`, shape, { initial: ofWeight, layout: isConvolution ? 'matrix' : 'plain' }),
    parameter(`${name}.bias`, [outputs], { initial: ofBias }),
  ];
}

/** x · Wᵀ + b over the last axis: [.., in] → [.., out] */
export function linearForward(ops: ForwardOps, name: string, x: Tensor): Tensor {
  const product = ops.product(rowsOf(ops, x), ops.weight(`${name}.weight`), 'right'); // [N, out]
  return likeRows(ops, x, ops.addBias(product, ops.weight(`${name}.bias`)));
}

/** dW = dyᵀ · x and db = Σ dy, where somebody asked for them. */
// oxlint-disable-next-line max-params -- the layer, its input and the gradient of its output
export function learnLinear(ops: Ops, name: string, x: Tensor, dy: Tensor): void {
  ops.learn(`${name}.weight`, () => ops.product(rowsOf(ops, dy), rowsOf(ops, x), 'left'));
  ops.learn(`${name}.bias`, () => ops.columnSum(rowsOf(ops, dy)));
}

/** The same, and dx = dy · W */
// oxlint-disable-next-line max-params -- the layer, its input and the gradient of its output
export function linearBackward(ops: Ops, name: string, x: Tensor, dy: Tensor): Tensor {
  learnLinear(ops, name, x, dy);
  return likeRows(ops, dy, ops.product(rowsOf(ops, dy), ops.weight(`${name}.weight`)));
}

/** [.., C] as rows, [N, C] */
const rowsOf = (ops: ForwardOps, x: Tensor) =>
  x.shape.length === 2 ? x : ops.reshape(x, [-1, x.shape.at(-1) as number]);

/** Rows as x has them: the axes of x but the last. */
const likeRows = (ops: ForwardOps, x: Tensor, rows: Tensor) =>
  x.shape.length === 2 ? rows : ops.reshape(rows, [...x.shape.slice(0, -1), rows.shape[1] as number]);

/** Gemm takes the [out, in] weight as it is; of more than a matrix MatMul takes it transposed. `factor` multiplies weight and bias. */
export function linearOnnx(
  context: OnnxContext,
  { name, path, rank, factor = 1 }: { name: string; path: string; rank: number; factor?: number },
  x: OnnxValue,
): OnnxValue {
  const { graph } = context;
  const bias = () => weight(context, `${name}.bias`, factor);
  if (rank === 2)
    return graph.node('Gemm', path, [x, weight(context, `${name}.weight`, factor), bias()], { transB: 1 });
  const product = graph.node('MatMul', path, [x, transposedWeight(context, `${name}.weight`, factor)]);
  return graph.node('Add', path, [product, bias()]);
}

const layer: Layer<LinearOptions> = {
  parameters: ({ name, outputs, initial }, [x]) => linearParameters(name, [outputs, widthOf(x as Shape)], { initial }),
  shape: ({ outputs }, [x]) => [...(x as Shape).slice(0, -1), outputs],
  reads: 'inputs',
  forward: (ops, { options, inputs: [x] }) => ({ y: linearForward(ops, options.name, x as Tensor) }),
  backward(ops, { options, inputs: [x], dy, wants }) {
    if (wants(0)) return [linearBackward(ops, options.name, x as Tensor, dy)];
    learnLinear(ops, options.name, x as Tensor, dy);
    return [null];
  },
  onnx: (context, { options, inputs: [x], shapes: [shape] }) =>
    linearOnnx(context, { ...options, rank: (shape as Shape).length }, x as OnnxValue),
};

/** Every output is a weighed sum of all inputs, over the last axis: [.., in] → [.., out] */
export const linear = (x: Value, options: Omit<LinearOptions, 'initial'> & Partial<LinearOptions>): Value =>
  apply(layer, { initial: 'torch', ...options }, [x]);

export const isLinear = (value: Value): boolean => isOf(value, layer);
