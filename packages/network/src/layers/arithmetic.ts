// Functions of several values, element by element, and their joining.
import type { Tensor } from '../graph/ops.ts';
import type { Shape } from '../graph/tensors.ts';
import { apply, isOf, type Layer, type Value } from '../graph/value.ts';
import type { OnnxValue } from '../onnx/context.ts';
import { widthOf } from './linear.ts';

interface Named {
  path: string;
}

const sameShape = (_: Named, [a]: readonly Shape[]) => a as Shape;
const both = (inputs: readonly Tensor[]) => inputs as [Tensor, Tensor];

const addLayer: Layer<Named> = {
  shape: sameShape,
  forward: (ops, { inputs }) => ({ y: ops.add(...both(inputs)) }),
  backward: (ops, { dy }) => [ops.view(dy), ops.view(dy)],
  onnx: ({ graph }, { options, inputs }) => graph.node('Add', options.path, inputs),
};
/** a + b */
export const add = (a: Value, b: Value, path: string): Value => apply(addLayer, { path }, [a, b]);
export const isSum = (value: Value): value is Value & { options: Named } => isOf(value, addLayer);

const multiplyLayer: Layer<Named> = {
  shape: sameShape,
  reads: 'inputs',
  forward: (ops, { inputs }) => ({ y: ops.multiply(...both(inputs)) }),
  backward: (ops, { inputs: [a, b], dy }) => [ops.multiply(dy, b as Tensor), ops.multiply(dy, a as Tensor)],
  onnx: ({ graph }, { options, inputs }) => graph.node('Mul', options.path, inputs),
};
/** a ∘ b */
export const multiply = (a: Value, b: Value, path: string): Value => apply(multiplyLayer, { path }, [a, b]);

const complementLayer: Layer<Named> = {
  shape: sameShape,
  forward: (ops, { inputs: [x] }) => ({ y: ops.shift(ops.scale(x as Tensor, -1), 1) }),
  backward: (ops, { dy }) => [ops.scale(dy, -1)],
  onnx: ({ graph }, { options, inputs: [x] }) => graph.node('Sub', options.path, [graph.float(1), x as OnnxValue]),
};
/** 1 − x */
export const complement = (x: Value, path: string): Value => apply(complementLayer, { path }, [x]);

const distanceLayer: Layer<Named> = {
  shape: sameShape,
  reads: 'inputs',
  forward: (ops, { inputs }) => ({ y: ops.abs(ops.subtract(...both(inputs))) }),
  backward(ops, { inputs, dy }) {
    const da = ops.multiply(dy, ops.sign(ops.subtract(...both(inputs))));
    return [da, ops.scale(da, -1)];
  },
  onnx: ({ graph }, { options: { path }, inputs }) => graph.node('Abs', path, [graph.node('Sub', path, inputs)]),
};
/** |a − b| */
export const distance = (a: Value, b: Value, path: string): Value => apply(distanceLayer, { path }, [a, b]);

const concatLayer: Layer<Named> = {
  shape: (_, shapes) => ['B', shapes.reduce((sum, shape) => sum + widthOf(shape), 0)],
  reads: 'inputs',
  forward: (ops, { inputs }) => ({ y: ops.concat(inputs) }),
  backward: (ops, { inputs, dy }) =>
    ops.split(
      dy,
      inputs.map(({ shape }) => shape.at(-1) as number),
    ),
  onnx: ({ graph }, { options, inputs }) => graph.node('Concat', options.path, inputs, { axis: 1 }),
};
/** [a; b; …], side by side: [B, A], [B, C] → [B, A + C] */
export const concat = (parts: readonly Value[], path: string): Value => apply(concatLayer, { path }, parts);

const meanLayer: Layer<Named> = {
  shape: (_, [x]) => ['B', widthOf(x as Shape)],
  reads: 'inputs',
  forward: (ops, { inputs: [x] }) => ({ y: ops.meanOfRows(x as Tensor) }),
  backward: (ops, { inputs: [x], dy }) => [ops.meanOfRowsGradient(x as Tensor, dy)],
  onnx: ({ graph }, { options, inputs: [x] }) =>
    graph.node('ReduceMean', options.path, [x as OnnxValue, graph.ints(1)], { keepdims: 0 }),
};
/** Mean over the rows of each sample: [B, N, E] → [B, E] */
export const mean = (x: Value, path: string): Value => apply(meanLayer, { path }, [x]);
