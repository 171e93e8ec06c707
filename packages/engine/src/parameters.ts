import {
  depthwiseToC1hw,
  depthwiseToHwc1,
  type KernelShape,
  kernelToHwio,
  kernelToOihw,
  type Layout,
  type Parameter,
} from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';

/** A layout's shape, and the copies from PyTorch's and back. */
interface Copies {
  shape(torch: readonly number[]): number[];
  load(data: Float32Array, torch: KernelShape): Float32Array;
  save(data: Float32Array, torch: KernelShape): Float32Array;
}

const copies: Record<Layout, Copies> = {
  plain: { shape: (shape) => [...shape], load: (data) => data, save: (data) => data },
  matrix: { shape: (shape) => shape.slice(0, 2), load: (data) => data, save: (data) => data },
  kernel: { shape: ([o = 1, i = 1, h = 1, w = 1]) => [h, w, i, o], load: kernelToHwio, save: kernelToOihw },
  depthwise: { shape: ([c = 1, , h = 1, w = 1]) => [h, w, c, 1], load: depthwiseToHwc1, save: depthwiseToC1hw },
};

/** The shape in which a tensor of a checkpoint is held for computing: HWIO kernels, [k, k, C, 1] depthwise kernels. */
export function heldShape({ layout, shape }: Parameter): number[] {
  return copies[layout].shape(shape);
}

/** A checkpoint's tensor, in PyTorch's layout, copied into the variable that holds it. */
export function assignTorch(variable: tf.Variable, parameter: Parameter, data: Float32Array): void {
  const held = copies[parameter.layout].load(data, parameter.shape as KernelShape);
  // The product is TensorFlow's own memory: tensors made from arrays share theirs with JavaScript.
  tf.tidy(() => variable.assign(tf.mul(tf.tensor(held, heldShape(parameter)), 1)));
}

/** A held tensor's values in PyTorch's layout; the array is the caller's own. */
export function readTorch(held: tf.Tensor, { layout, shape }: Parameter): Float32Array {
  const data = held.dataSync() as Float32Array;
  const saved = copies[layout].save(data, shape as KernelShape);
  return saved === data ? data.slice() : saved;
}
