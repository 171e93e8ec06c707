import { CrosscheckError } from '@crosscheck/contract';
import type { DType } from '@crosscheck/network';

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
