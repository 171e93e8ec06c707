// Small tensors that kernels are told numbers with: factors, shapes, axes. A step asks for hundreds, nearly all of them the same in every step,
// and each costs a copy to the device.
import * as tfjs from '@tensorflow/tfjs-node-gpu';
import './open.ts';

/** Far more than a network asks for with batches of one size; shapes that hold a number of tokens are others in every step. */
const mostKept = 4096;

const kept = new Map<string, tfjs.Tensor>();

function keptOrMade(key: string, make: () => tfjs.Tensor): tfjs.Tensor {
  const known = kept.get(key);
  if (known) return known;
  if (kept.size >= mostKept) forgetConstants();
  const made = tfjs.keep(make());
  kept.set(key, made);
  return made;
}

const textOf = (value: number) => (Object.is(value, -0) ? '-0' : String(value));

/** A number as a tensor, [], to be read at once and never freed. */
export const constant = (value: number, dtype: 'float32' | 'int32' = 'float32'): tfjs.Tensor =>
  keptOrMade(`${dtype} ${textOf(value)}`, () => tfjs.scalar(value, dtype));

/** Integers as a tensor, [N], to be read at once and never freed. */
export const constantIntegers = (values: readonly number[]): tfjs.Tensor =>
  keptOrMade(values.join(' '), () => tfjs.tensor1d([...values], 'int32'));

/** No numbers, [0], in the place of an input that is left out; never freed. */
export const nothing = (): tfjs.Tensor => keptOrMade('nothing', () => tfjs.tensor1d([], 'float32'));

function forgetConstants(): void {
  for (const tensor of kept.values()) tensor.dispose();
  kept.clear();
}

/** Constants that are kept; `tf.memory` leaves them out. */
export const countConstants = (): number => kept.size;
