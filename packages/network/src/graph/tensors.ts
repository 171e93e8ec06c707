import type { NamedTensor } from '../tensor.ts';

/** Size of every axis: a number, or B samples, L tokens of a text. */
export type Shape = readonly (number | 'B' | 'L')[];

/** How a parameter is held for computing; a checkpoint has PyTorch's layout. */
export type Layout =
  /** As PyTorch has it: vectors, embeddings, linears [out, in]. */
  | 'plain'
  /** A 1×1 convolution [out, in, 1, 1] of something without pixels: a linear [out, in]. */
  | 'matrix'
  /** OIHW there, HWIO here. */
  | 'kernel'
  /** C1HW there, HWC1 here. */
  | 'depthwise';

/** How a parameter starts when nothing is loaded. */
export type Initial =
  | { rule: 'zeros' | 'ones' }
  /** Normal around 0. */
  | { rule: 'normal'; deviation: number }
  /** The same, but zeros in row 0, the padding token's. */
  | { rule: 'padded'; deviation: number }
  /** Uniform in ±bound. */
  | { rule: 'uniform'; bound: number };

/** A tensor of a layer: what a checkpoint has of it, and how it is held and begun. */
export interface Parameter extends NamedTensor {
  readonly layout: Layout;
  readonly initial: Initial;
}

type Made = Partial<Pick<Parameter, 'layout' | 'initial'>>;

/** A tensor that is trained; in PyTorch's layout. */
export function parameter(name: string, shape: readonly number[], made: Made = {}): Parameter {
  return { name, shape, kind: 'parameter', dtype: 'F32', layout: 'plain', initial: { rule: 'zeros' }, ...made };
}

/** A tensor that follows the data: running statistics, and a count of steps, which is an I64 scalar. */
export function buffer(name: string, shape: readonly number[], initial: Initial): Parameter {
  return { name, shape, kind: 'buffer', dtype: shape.length === 0 ? 'I64' : 'F32', layout: 'plain', initial };
}
