import { bytesPerElement } from '@crosscheck/network';
import { corrupt, type PositionedFile } from '../positioned-file.ts';
import { maxPickleBytes, readPickle } from './pickle.ts';
import { type PickledStorage, storageOf } from './pickle-globals.ts';
import type { PthContent } from './pth-content.ts';

const magicNumber = 0x1950a86a20f9469cfc6cn;
const protocolVersion = 1001;

/**
 * `torch.save` before PyTorch 1.6 (and with `_use_new_zipfile_serialization=False`): pickles of a magic number, a version, the
 * writer's system, the value and the storages' keys, then each storage as its element count (int64) and its elements.
 */
export async function readLegacyPth(file: PositionedFile): Promise<PthContent> {
  const { path } = file;
  const storages = new Map<string, PickledStorage>();
  const loadPersistent = (id: unknown): PickledStorage => {
    const storage = storageOf(id);
    storages.set(storage.key, storage);
    return storage;
  };
  const bytes = await file.read(0, Math.min(file.size, maxPickleBytes));
  const { values, end } = readPickles(bytes, { path, loadPersistent });
  const [magic, version, , value, keys] = values;
  if (magic !== magicNumber || version !== protocolVersion)
    throw corrupt(path, 'this pickle was not made by torch.save');
  const positions = await findStorages(file, { storages, keys, start: end });
  return {
    value,
    readStorage: async ({ key }, [start, length]) => {
      const position = positions.get(key);
      if (position === undefined) throw corrupt(path, `storage ${key} is not in the file`);
      return file.read(position + start, length);
    },
  };
}

const pickleCount = 5;

function readPickles(
  bytes: Uint8Array,
  options: { path: string; loadPersistent: (id: unknown) => unknown },
): { values: unknown[]; end: number } {
  const values: unknown[] = [];
  let end = 0;
  while (values.length < pickleCount) {
    const pickle = readPickle(bytes, { ...options, start: end });
    values.push(pickle.value);
    end = pickle.end;
  }
  return { values, end };
}

/** Where each storage's elements start. */
async function findStorages(
  file: PositionedFile,
  { storages, keys, start }: { storages: ReadonlyMap<string, PickledStorage>; keys: unknown; start: number },
): Promise<Map<string, number>> {
  const positions = new Map<string, number>();
  let position = start;
  for (const key of Array.isArray(keys) ? (keys as unknown[]) : []) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    const count = Number(new DataView((await file.read(position, 8)).buffer).getBigInt64(0, true));
    if (count !== storage?.elements)
      throw corrupt(file.path, `storage ${storage?.key ?? '?'} has ${count} elements, not ${storage?.elements}`);
    positions.set(storage.key, position + 8);
    position += 8 + count * bytesPerElement[storage.dtype];
  }
  if (position > file.size) throw corrupt(file.path, `the storages need ${position} bytes, the file has ${file.size}`);
  return positions;
}
