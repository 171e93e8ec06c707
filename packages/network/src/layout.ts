/**
 * Copies a matrix transposed: a linear's weight [out, in] of PyTorch ↔ [in, out] of TensorFlow. The same function goes both ways.
 *
 * @param rows of the source
 */
export function transposeMatrix(source: Float32Array, rows: number, columns: number): Float32Array {
  const target = new Float32Array(source.length); // [columns, rows]
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) target[c * rows + r] = source[r * columns + c] as number;
  }
  return target;
}

/** A convolution kernel's sizes: [O, I, H, W], the order of PyTorch. */
export type KernelShape = readonly [out: number, input: number, height: number, width: number];

/** Copies a kernel from PyTorch's [O, I, H, W] to TensorFlow's [H, W, I, O]. */
export function kernelToHwio(source: Float32Array, [o, i, h, w]: KernelShape): Float32Array {
  return transposeMatrix(transposeEach(source, o, i, h * w), o, h * w * i); // [O, HW, I] → [HW, I, O]
}

/** Copies a kernel from TensorFlow's [H, W, I, O] to PyTorch's [O, I, H, W]; `shape` is the result's. */
export function kernelToOihw(source: Float32Array, [o, i, h, w]: KernelShape): Float32Array {
  return transposeEach(transposeMatrix(source, h * w * i, o), o, h * w, i); // [O, HW, I] → [O, I, HW]
}

/** Copies a depthwise kernel from PyTorch's [C, 1, H, W] to TensorFlow's [H, W, C, 1]. */
export function depthwiseToHwc1(source: Float32Array, [c, , h, w]: KernelShape): Float32Array {
  return transposeMatrix(source, c, h * w);
}

/** Copies a depthwise kernel from TensorFlow's [H, W, C, 1] to PyTorch's [C, 1, H, W]; `shape` is the result's. */
export function depthwiseToC1hw(source: Float32Array, [c, , h, w]: KernelShape): Float32Array {
  return transposeMatrix(source, h * w, c);
}

/** [N, rows, columns] → [N, columns, rows] */
function transposeEach(source: Float32Array, count: number, rows: number, columns: number): Float32Array {
  const target = new Float32Array(source.length);
  const size = rows * columns;
  for (let n = 0; n < count; n++) {
    target.set(transposeMatrix(source.subarray(n * size, (n + 1) * size), rows, columns), n * size);
  }
  return target;
}
