import type { Dropout, Tensor } from '../graph/ops.ts';
import type { Shape } from '../graph/tensors.ts';
import { apply, isOf, type Layer, type Value } from '../graph/value.ts';
import type { OnnxValue } from '../onnx/context.ts';

const layer: Layer<Dropout> = {
  shape: (_, [x]) => x as Shape,
  forward: (ops, { options, inputs: [x] }) => ops.dropout(x as Tensor, options),
  again: (ops, { options, inputs: [x], kept }) => ops.dropoutGradient(x as Tensor, options, kept),
  backward: (ops, { options, kept, dy }) => [ops.dropoutGradient(dy, options, kept)],
  onnx: (_, { inputs: [x] }) => x as OnnxValue,
};

/** A rate of 0 is no layer: networks that only predict have none. */
const drop = (x: Value, options: Dropout): Value => (options.rate === 0 ? x : apply(layer, options, [x]));

/** Drops single elements in training (Srivastava et al. 2014). `site` names the place: each has its own masks. */
export const dropout = (x: Value, options: Omit<Dropout, 'of'>): Value =>
  drop(x, { ...options, of: x.shape.includes('L') ? 'tokens' : 'elements' });

/** Drops whole samples in training: the residual branch of a block (Huang et al. 2016; torchvision's mode "row"). */
export const stochasticDepth = (x: Value, options: Omit<Dropout, 'of'>): Value =>
  drop(x, { ...options, of: 'samples' });

/** The same masks for the first token's row of each sample; null for what is no dropout of tokens. */
export function droppedInFirst(value: Value, x: Value): Value | null {
  return isOf(value, layer) && value.options.of === 'tokens'
    ? apply(layer, { ...value.options, of: 'first' }, [x])
    : null;
}
