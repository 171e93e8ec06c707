import { CrosscheckError } from '@crosscheck/contract';

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

/** Name, dtype and shape of a stored tensor; the shape is the file's own (PyTorch layout: OIHW kernels, [out, in] linears). */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Named tensors in a file. Nothing but the header is in memory; every read goes to the disk. */
export interface TensorFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The tensor's elements in row-major order as float32; a fresh array that the caller may keep or change. */
  read(name: string): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Number of elements of a shape; 1 for a scalar, and `Infinity` where a double does not hold it. */
export function elementCount(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
}

/** The tensor's header entry, or an error that says which file lacks it. */
export function tensorInfo<T extends TensorInfo>(
  file: { path: string; tensors: ReadonlyMap<string, T> },
  name: string,
): T {
  const info = file.tensors.get(name);
  if (info) return info;
  throw new CrosscheckError(
    'CROSSCHECK_WEIGHTS_MISMATCH',
    `expected a tensor "${name}" in ${file.path}, which holds ${file.tensors.size} tensors without it`,
  );
}
