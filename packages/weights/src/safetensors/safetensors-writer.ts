import { bytesPerElement, type DType, elementCount } from '@crosscheck/network';
import { type Append, writeAtomically } from '../atomic-file.ts';

export type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/**
 * A tensor to be written: its data, or a function that is called when its turn comes, so that one tensor is in memory at a time; what it gives
 * is the writer's from then on.
 */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData | (() => TensorData | Promise<TensorData>);
}

/**
 * Writes a `.safetensors` file: temporary name in the same folder, fsync, rename. Larger elements come first, so that every
 * tensor is aligned; otherwise the order is kept.
 *
 * @throws CROSSCHECK_CHECKPOINT_WRITE_FAILED when the disk refuses; a file that stood there before is unchanged
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const ordered = [...tensors].toSorted((a, b) => bytesPerElement[b.dtype] - bytesPerElement[a.dtype]);
  const header = encodeHeader(ordered, metadata);
  await writeAtomically(path, async (append) => {
    await append(header);
    for (const tensor of ordered) await appendTensor(append, tensor);
  });
}

function encodeHeader(tensors: readonly TensorToWrite[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let position = 0;
  for (const { name, dtype, shape } of tensors) {
    const begin = position;
    position += byteLength({ dtype, shape });
    entries.push([name, { dtype, shape, data_offsets: [begin, position] }]);
  }
  if (new Set(entries.map(([name]) => name)).size !== entries.length) throw new Error('two tensors have the same name');
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const bytes = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  bytes.writeBigUInt64LE(BigInt(bytes.length - 8));
  json.copy(bytes, 8);
  return bytes;
}

async function appendTensor(append: Append, { name, dtype, shape, data }: TensorToWrite): Promise<void> {
  const array = typeof data === 'function' ? await data() : data;
  const expected = byteLength({ dtype, shape });
  if (array.byteLength !== expected) {
    throw new Error(
      `tensor "${name}" of ${dtype} [${shape.join(', ')}] needs ${expected} bytes, got ${array.byteLength}`,
    );
  }
  await append(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  if (typeof data === 'function') giveBack(array);
}

/** Frees the memory now: the collector would come for it when hundreds of megabytes have piled up. */
function giveBack({ buffer, byteLength: size }: TensorData): void {
  if (buffer instanceof ArrayBuffer && size === buffer.byteLength) buffer.transfer(0);
}

function byteLength({ dtype, shape }: { dtype: DType; shape: readonly number[] }): number {
  return elementCount(shape) * bytesPerElement[dtype];
}
