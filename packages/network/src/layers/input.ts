import type { Shape } from '../graph/tensors.ts';
import { apply, isOf, type Layer, type Value } from '../graph/value.ts';
import type { OnnxInputs } from '../onnx/context.ts';

interface InputOptions {
  /** What of the ONNX graph's inputs it is; null for what only engines begin at. */
  of: 'image' | null;
  shape: Shape;
}

const given = (): never => {
  throw new Error('an input is given, not computed');
};

const layer: Layer<InputOptions> = {
  shape: ({ shape }) => shape,
  forward: given,
  backward: given,
  onnx: ({ inputs }, { options }) => inputs[options.of as keyof OnnxInputs] as string,
};

export const isInput = (value: Value): boolean => isOf(value, layer);

/** A value that comes from outside. */
export const input = (shape: Shape, of: InputOptions['of'] = null): Value => apply(layer, { of, shape }, []);
