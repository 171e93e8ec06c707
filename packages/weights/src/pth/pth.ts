import { bytesPerElement, elementCount } from '@crosscheck/network';
import { toFloat32 } from '../float32.ts';
import { clip, corrupt, openPositioned, type PositionedFile } from '../positioned-file.ts';
import { type TensorFile, type TensorInfo, tensorInfo } from '../tensor-file.ts';
import { isTensor, type PickledTensor, tensorEnd } from './pickle-globals.ts';
import type { PthContent } from './pth-content.ts';
import { readLegacyPth } from './pth-legacy.ts';
import { readZipPth } from './pth-zip.ts';
import { gatherStrided, isContiguous } from './strided.ts';

/** A PyTorch file. Its tensors are those of its state dict. */
export interface PthFile extends TensorFile {
  /** Always empty: `.pth` files have no string metadata. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Numbers and texts that stand beside the state dict: `epoch`, `val_loss`, `val_accuracy`, … */
  readonly scalars: Readonly<Record<string, number | string>>;
}

/**
 * Opens a file of `torch.save` without running anything in it: the zip archive of PyTorch ≥ 1.6, or the older chain of pickles.
 * The state dict is the file's `model_state_dict` or `state_dict`, or the whole file. Tensors are read on demand; views of any
 * strides become row-major.
 *
 * @throws CROSSCHECK_WEIGHTS_NOT_FOUND CROSSCHECK_WEIGHTS_CORRUPT
 * @throws CROSSCHECK_PICKLE_REFUSED when the pickle needs anything but tensors and plain containers
 */
export async function openPth(path: string): Promise<PthFile> {
  const file = await openPositioned(path);
  try {
    const isPickle = file.size > 0 && (await file.read(0, 1))[0] === 0x80;
    return pthFile(file, await (isPickle ? readLegacyPth(file) : readZipPth(file)));
  } catch (error) {
    await file.close();
    throw error;
  }
}

function pthFile(file: PositionedFile, content: PthContent): PthFile {
  const { path } = file;
  const pickled = findStateDict(path, content.value);
  const tensors = new Map<string, TensorInfo>();
  for (const [name, { storage, shape }] of pickled) tensors.set(name, { name, dtype: storage.dtype, shape });
  return {
    path,
    metadata: {},
    scalars: scalarsOf(content.value),
    tensors,
    read: async (name) => readTensor(content, pickled.get(tensorInfo({ path, tensors }, name).name) as PickledTensor),
    close: () => file.close(),
  };
}

const stateDictKeys = ['model_state_dict', 'state_dict'];

function findStateDict(path: string, value: unknown): Map<string, PickledTensor> {
  const root: ReadonlyMap<unknown, unknown> = value instanceof Map ? value : new Map();
  const key = stateDictKeys.find((candidate) => root.get(candidate) instanceof Map);
  const dict = (key === undefined ? root : root.get(key)) as ReadonlyMap<unknown, unknown>;
  const entries = [...dict];
  if (entries.length > 0 && entries.every(([name, tensor]) => typeof name === 'string' && isTensor(tensor))) {
    return new Map(entries as [string, PickledTensor][]);
  }
  const names = [...root.keys()].slice(0, 10).map((name) => (typeof name === 'string' ? clip(name) : typeof name));
  const keys = names.join(', ') || 'no dict';
  throw corrupt(path, `expected a state dict, by itself or under ${stateDictKeys.join(' or ')}, got ${keys}`);
}

function scalarsOf(value: unknown): Record<string, number | string> {
  const entries: [unknown, unknown][] = value instanceof Map ? [...value] : [];
  return Object.fromEntries(entries.filter(([, scalar]) => typeof scalar === 'number' || typeof scalar === 'string'));
}

async function readTensor(content: PthContent, tensor: PickledTensor): Promise<Float32Array> {
  const { storage, offset, shape, strides } = tensor;
  const width = bytesPerElement[storage.dtype];
  const bytes = await content.readStorage(storage, [offset * width, (tensorEnd(tensor) - offset) * width]);
  const elements = toFloat32(bytes, storage.dtype);
  return isContiguous(shape, strides) || elementCount(shape) === 0 ? elements : gatherStrided(elements, shape, strides);
}
