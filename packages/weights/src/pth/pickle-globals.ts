import { bytesPerElement, type DType, elementCount } from '@crosscheck/network';
import { toFloat32 } from '../float32.ts';

/** A tensor storage that the pickle points to by key; its bytes are elsewhere in the file. */
export interface PickledStorage {
  readonly kind: 'storage';
  readonly dtype: DType;
  readonly key: string;
  readonly elements: number;
}

/** A view of a storage, in elements. */
export interface PickledTensor {
  readonly kind: 'tensor';
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** An object of a class that is known to be harmless data. It is remembered as it stands; nothing of it is ever run. */
export interface PickledObject {
  readonly kind: 'object';
  readonly className: string;
  readonly args: unknown;
  state: unknown;
  readonly entries: Map<unknown, unknown>;
  readonly items: unknown[];
}

/** A class or function that a pickle named and that is allowed. `call` builds its value out of plain data. */
export interface PickledGlobal {
  readonly kind: 'global';
  readonly name: string;
  readonly storageType?: DType;
  call(args: readonly unknown[]): unknown;
}

const storageTypes: Readonly<Record<string, DType>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

const builders: Readonly<Record<string, PickledGlobal['call']>> = {
  'torch._utils._rebuild_tensor_v2': ([storage, offset, shape, strides]) =>
    asTensor({ storage, offset, shape, strides }),
  'torch._utils._rebuild_parameter': ([tensor]) => tensor,
  'collections.OrderedDict': ([pairs = []]) => new Map(pairs as [unknown, unknown][]),
  // How Python 3 writes bytes into a pickle of protocol 2.
  '_codecs.encode': ([text]) => Uint8Array.from(Buffer.from(asText(text), 'latin1')),
  'numpy.core.multiarray.scalar': numpyScalar,
  'numpy._core.multiarray.scalar': numpyScalar,
};

/** Classes whose objects are kept as data: what the original's `config` (OmegaConf) and NumPy's scalars are made of. */
const inertClasses = [
  /^omegaconf\.(dictconfig|listconfig|base|nodes)\.[A-Za-z]+$/,
  /^(__builtin__|builtins)\.(dict|list|tuple|set|frozenset|int|long|float|bool|str|unicode|bytes)$/,
  /^collections\.defaultdict$/,
  /^typing\.Any$/,
  /^numpy\.dtype$/,
];

/** The stand-in for a global, or null when it is not on the list. Names come as `module.name`. */
export function findGlobal(name: string): PickledGlobal | null {
  const storageType = name.startsWith('torch.') ? ownValue(storageTypes, name.slice('torch.'.length)) : undefined;
  if (storageType) return { kind: 'global', name, storageType, call: () => badCall(name) };
  const build = ownValue(builders, name);
  if (build) return { kind: 'global', name, call: build };
  const isInert = inertClasses.some((pattern) => pattern.test(name));
  return isInert ? { kind: 'global', name, call: (args) => inertObject(name, args) } : null;
}

function ownValue<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function inertObject(className: string, args: readonly unknown[]): PickledObject {
  return { kind: 'object', className, args, state: null, entries: new Map(), items: [] };
}

const numpyTypes: Readonly<Record<string, DType>> = {
  f8: 'F64',
  f4: 'F32',
  f2: 'F16',
  i8: 'I64',
  i4: 'I32',
  b1: 'BOOL',
};

/** `numpy.float64(0.4)` and the like, from their dtype and bytes; a number when the dtype is a common one. */
function numpyScalar(args: readonly unknown[]): unknown {
  const [type, bytes] = args;
  const [code] = isObject(type) && Array.isArray(type.args) ? (type.args as unknown[]) : [];
  const dtype = typeof code === 'string' ? ownValue(numpyTypes, code) : undefined;
  const isWhole = dtype && bytes instanceof Uint8Array && bytes.length === bytesPerElement[dtype];
  return isWhole ? toNumber(bytes, dtype) : inertObject('numpy scalar', args);
}

function toNumber(bytes: Uint8Array, dtype: DType): number {
  return dtype === 'F64' ? Buffer.from(bytes).readDoubleLE() : (toFloat32(bytes, dtype)[0] as number);
}

/** Nothing but text becomes text: that of nested lists may be longer than any memory. */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError('something else stands where a text is needed');
}

function badCall(name: string): never {
  throw new TypeError(`${name} is called`);
}

/** Expanded views repeat their storage: without a bound, a file of any size makes a tensor of any size. */
const maxRepeated = 1 << 16;

function asTensor(parts: { storage: unknown; offset: unknown; shape: unknown; strides: unknown }): PickledTensor {
  const { storage, offset, shape, strides } = parts;
  if (
    !isStorage(storage) ||
    !isSize(offset) ||
    !isSizes(shape) ||
    !isSizes(strides) ||
    shape.length !== strides.length
  ) {
    throw new TypeError('a tensor is not built of a storage, an offset, a shape and as many strides');
  }
  const tensor: PickledTensor = { kind: 'tensor', storage, offset, shape, strides };
  if (!(tensorEnd(tensor) <= storage.elements)) {
    throw new TypeError(
      `a tensor [${shape.join(', ')}] reaches element ${tensorEnd(tensor)} of a storage of ${storage.elements}`,
    );
  }
  if (elementCount(shape) > Math.max(storage.elements, maxRepeated)) {
    throw new TypeError(
      `a tensor [${shape.join(', ')}] with the strides [${strides.join(', ')}] repeats a storage of ${storage.elements} elements`,
    );
  }
  return tensor;
}

/** What a persistent id means: `('storage', torch.FloatStorage, '0', 'cpu', 8)`, in old files with `None` at the end. */
export function storageOf(id: unknown): PickledStorage {
  const [tag, type, key, , elements, view = null] = Array.isArray(id) ? (id as unknown[]) : [];
  if (
    tag !== 'storage' ||
    !isGlobal(type) ||
    !type.storageType ||
    typeof key !== 'string' ||
    !isSize(elements) ||
    view !== null
  ) {
    throw new TypeError('a persistent id does not describe a storage');
  }
  return { kind: 'storage', dtype: type.storageType, key, elements };
}

/** One past the last element of the storage that a tensor touches. */
export function tensorEnd({ offset, shape, strides }: PickledTensor): number {
  if (shape.includes(0)) return offset;
  return shape.reduce((last, size, axis) => last + (size - 1) * (strides[axis] as number), offset) + 1;
}

function hasKind(value: unknown, kind: string): boolean {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}

export const isTensor = (value: unknown): value is PickledTensor => hasKind(value, 'tensor');
export const isObject = (value: unknown): value is PickledObject => hasKind(value, 'object');
export const isGlobal = (value: unknown): value is PickledGlobal => hasKind(value, 'global');
export const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isStorage = (value: unknown): value is PickledStorage => hasKind(value, 'storage');

/** PyTorch's own limit. */
const maxRank = 64;
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= maxRank && value.every(isSize);
