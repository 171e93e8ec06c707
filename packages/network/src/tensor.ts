/** Bytes per element of every dtype that safetensors knows and we read. */
export const bytesPerElement = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

export type DType = keyof typeof bytesPerElement;

/** Number of elements of a shape; 1 for a scalar, and `Infinity` where a double does not hold it. */
export function elementCount(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
}

/** One tensor of a checkpoint, under the name and in the layout that PyTorch's `state_dict()` gives it. */
export interface NamedTensor {
  readonly name: string;
  /** PyTorch layout: OIHW kernels, [out, in] linears. */
  readonly shape: readonly number[];
  /** Parameters are trained; buffers are batch-norm statistics and step counts. */
  readonly kind: 'parameter' | 'buffer';
  readonly dtype: Extract<DType, 'F32' | 'I64'>;
}
