import type { Tensor } from '../graph/ops.ts';
import { type Parameter, parameter, type Shape } from '../graph/tensors.ts';
import { apply, isOf, type Layer, type Value } from '../graph/value.ts';
import { type OnnxContext, type OnnxValue, weight } from '../onnx/context.ts';
import { widthOf } from './linear.ts';

export interface LayerNormOptions {
  name: string;
  path: string;
  epsilon: number;
}

export const layerNormParameters = (name: string, width: number): Parameter[] => [
  parameter(`${name}.weight`, [width], { initial: { rule: 'ones' } }),
  parameter(`${name}.bias`, [width]),
];

export function layerNormOnnx(
  context: OnnxContext,
  { name, path, epsilon }: LayerNormOptions,
  x: OnnxValue,
): OnnxValue {
  const inputs = [x, weight(context, `${name}.weight`), weight(context, `${name}.bias`)];
  return context.graph.node('LayerNormalization', path, inputs, { axis: -1, epsilon: { float: epsilon } });
}

const layer: Layer<LayerNormOptions> = {
  parameters: ({ name }, [x]) => layerNormParameters(name, widthOf(x as Shape)),
  shape: (_, [x]) => x as Shape,
  reads: 'inputs',
  forward: (ops, { options, inputs: [x] }) => ops.layerNorm(x as Tensor, options),
  again: (ops, { options, inputs: [x], kept }) => ops.layerNormAgain(x as Tensor, options, kept as object),
  backward: (ops, { options, inputs: [x], kept, dy }) => [
    ops.layerNormGradient(x as Tensor, options, kept as object, dy),
  ],
  onnx: (context, { options, inputs: [x] }) => layerNormOnnx(context, options, x as OnnxValue),
};

/** Every row to mean 0 and variance 1, then scaled and shifted (Ba et al. 2016): [.., H] → [.., H] */
export const layerNorm = (x: Value, options: LayerNormOptions): Value => apply(layer, options, [x]);

export const isLayerNorm = (value: Value): boolean => isOf(value, layer);
