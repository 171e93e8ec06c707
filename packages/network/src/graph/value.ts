import type { OnnxContext, OnnxValue } from '../onnx/context.ts';
import type { ForwardOps, Kept, Ops, Tensor } from './ops.ts';
import type { Parameter, Shape } from './tensors.ts';

/** What a layer is given when it runs. */
export interface Given<Options> {
  readonly options: Options;
  readonly inputs: readonly Tensor[];
}

/** What it is given for its gradient. */
export interface GivenBack<Options> extends Given<Options> {
  /** There with `reads: 'output'`. */
  readonly output: Tensor;
  readonly dy: Tensor;
  /** What `forward` has kept. */
  readonly kept: object | undefined;
  /** Whether the gradient of this input is asked for. */
  readonly wants: (input: number) => boolean;
}

/** What it is given to write itself down as ONNX. */
export interface GivenOnnx<Options> {
  readonly options: Options;
  readonly inputs: readonly OnnxValue[];
  readonly shapes: readonly Shape[];
}

/** One kind of layer: everything that is to be known about it. */
export interface Layer<Options = never> {
  /** In PyTorch's order. */
  parameters?(options: Options, inputs: readonly Shape[]): Parameter[];
  shape(options: Options, inputs: readonly Shape[]): Shape;
  forward(ops: ForwardOps, given: Given<Options>): Kept;
  /** What `backward` reads besides what was kept. */
  readonly reads?: 'inputs' | 'output';
  /** The output once more, where that costs less than keeping it. */
  again?(ops: Ops, given: Given<Options> & { kept: object | undefined }): Tensor;
  /** Gradients of the inputs, null where none is asked for; those of parameters go to `ops.learn`. */
  backward(ops: Ops, given: GivenBack<Options>): (Tensor | null)[];
  onnx(context: OnnxContext, given: GivenOnnx<Options>): OnnxValue;
}

/** A value in a network: a layer's output, and what it is computed from. */
export interface Value {
  /** Values are numbered as they are written, so that inputs come before what is made of them. */
  readonly id: number;
  readonly layer: Layer;
  readonly options: object;
  readonly inputs: readonly Value[];
  readonly shape: Shape;
  readonly parameters: readonly Parameter[];
  /** Name of the PyTorch module that ends here: a row of the summary, and something to watch. */
  readonly stage: string | null;
}

let count = 0;

/** The output of a layer. */
export function apply<Options extends object>(
  layer: Layer<Options>,
  options: Options,
  inputs: readonly Value[],
  stage: string | null = null,
): Value {
  const shapes = inputs.map(({ shape }) => shape);
  return {
    id: ++count,
    layer: layer as Layer,
    options,
    inputs,
    stage,
    shape: layer.shape(options, shapes),
    parameters: layer.parameters?.(options, shapes) ?? [],
  };
}

/** Names the module that ends with this value. */
export function stage(name: string, value: Value): Value {
  return { ...value, stage: name };
}

/** Whether the value is a layer of this kind, with its options. */
export function isOf<Options>(value: Value, layer: Layer<Options>): value is Value & { options: Options } {
  return value.layer === (layer as Layer);
}

/** All values that these are computed from, and they, in the order in which they are written. */
export function valuesOf(...outputs: readonly Value[]): Value[] {
  const found = new Map<number, Value>();
  const visit = (value: Value): void => {
    if (found.has(value.id)) return;
    found.set(value.id, value);
    value.inputs.forEach(visit);
  };
  outputs.forEach(visit);
  return [...found.values()].toSorted((a, b) => a.id - b.id);
}

/** How many layers read each value. */
export function readersOf(values: readonly Value[]): Map<number, number> {
  const readers = new Map<number, number>();
  for (const { inputs } of values) for (const { id } of inputs) readers.set(id, (readers.get(id) ?? 0) + 1);
  return readers;
}

/** What stands in the place of a value; null leaves it as it is. Its inputs have been rewritten already. */
export type Rule = (value: Value, isReadOnce: (input: Value) => boolean) => Value | null;

/** The same network with a rule applied wherever it applies. */
export function rewrite(output: Value, rule: Rule): Value {
  const values = valuesOf(output);
  const readers = readersOf(values);
  const written = new Map<number, Value>();
  const original = new Map<number, number>();
  const isReadOnce = ({ id }: Value) => readers.get(original.get(id) ?? id) === 1;
  for (const value of values) {
    const inputs = value.inputs.map(({ id }) => written.get(id) as Value);
    const isSame = inputs.every((input, i) => input === value.inputs[i]);
    const rebuilt = isSame ? value : apply(value.layer as Layer<object>, value.options, inputs, value.stage);
    original.set(rebuilt.id, value.id);
    const replaced = rule(rebuilt, isReadOnce) ?? rebuilt;
    original.set(replaced.id, value.id);
    written.set(value.id, replaced);
  }
  return written.get(output.id) as Value;
}
