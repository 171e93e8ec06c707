import type { NamedTensor } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { depthwiseToC1hw, depthwiseToHwc1, type KernelShape, kernelToHwio, kernelToOihw } from '@crosscheck/weights';

/** How a tensor of a checkpoint is held for computing: its shape, and the copies there and back. */
interface Layout {
  shape(torch: readonly number[]): number[];
  load(data: Float32Array, torch: KernelShape): Float32Array;
  save(data: Float32Array, torch: KernelShape): Float32Array;
}

const layouts = {
  /** Vectors, embeddings and linears [out, in]: as PyTorch has them. */
  plain: { shape: (shape) => [...shape], load: (data) => data, save: (data) => data },
  /** Squeeze-and-excite's 1×1 convolutions see one pixel: linears [out, in] with the same bytes. */
  matrix: { shape: (shape) => shape.slice(0, 2), load: (data) => data, save: (data) => data },
  /** OIHW ↔ HWIO */
  kernel: { shape: ([o = 1, i = 1, h = 1, w = 1]) => [h, w, i, o], load: kernelToHwio, save: kernelToOihw },
  /** C1HW ↔ HWC1 */
  depthwise: { shape: ([c = 1, , h = 1, w = 1]) => [h, w, c, 1], load: depthwiseToHwc1, save: depthwiseToC1hw },
} as const satisfies Record<string, Layout>;

function layoutOf({ name, shape }: NamedTensor): Layout {
  if (shape.length !== 4) return layouts.plain;
  if (/\.fc[12]\.weight$/.test(name)) return layouts.matrix;
  return shape[1] === 1 && shape[2] !== 1 ? layouts.depthwise : layouts.kernel;
}

/** The shape in which a tensor of a checkpoint is held for computing: HWIO kernels, [k, k, C, 1] depthwise kernels. */
export function heldShape(tensor: NamedTensor): number[] {
  return layoutOf(tensor).shape(tensor.shape);
}

/** A checkpoint's tensor, in PyTorch's layout, copied into the variable that holds it. */
export function assignTorch(variable: tf.Variable, tensor: NamedTensor, data: Float32Array): void {
  const held = layoutOf(tensor).load(data, tensor.shape as KernelShape);
  // The product is TensorFlow's own memory: tensors made from arrays share theirs with JavaScript.
  tf.tidy(() => variable.assign(tf.mul(tf.tensor(held, heldShape(tensor)), 1)));
}

/** A held tensor's values in PyTorch's layout; the array is the caller's own. */
export function readTorch(held: tf.Tensor, tensor: NamedTensor): Float32Array {
  const data = held.dataSync() as Float32Array;
  const saved = layoutOf(tensor).save(data, tensor.shape as KernelShape);
  return saved === data ? data.slice() : saved;
}
