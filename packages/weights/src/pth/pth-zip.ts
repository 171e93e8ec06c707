import { bytesPerElement } from '@crosscheck/network';
import { clip, corrupt, type PositionedFile } from '../positioned-file.ts';
import { maxPickleBytes, readPickle } from './pickle.ts';
import { type PickledStorage, storageOf } from './pickle-globals.ts';
import type { PthContent } from './pth-content.ts';
import { readZipDirectory, readZipEntry, type ZipEntry } from './zip.ts';

/** `torch.save` since PyTorch 1.6: `NAME/data.pkl`, `NAME/byteorder` and a file `NAME/data/KEY` for every storage. */
export async function readZipPth(file: PositionedFile): Promise<PthContent> {
  const { path } = file;
  const entries = await readZipDirectory(file);
  const root = pickleRoot(path, entries);
  await checkByteOrder(file, entries.get(`${root}byteorder`));
  const entry = entries.get(`${root}data.pkl`) as ZipEntry;
  if (entry.size > maxPickleBytes)
    throw corrupt(path, `a pickle of ${entry.size} bytes, at most ${maxPickleBytes} are read`);
  const loadPersistent = (id: unknown) => {
    const storage = storageOf(id);
    requireBytes(storage, entries.get(`${root}data/${storage.key}`));
    return storage;
  };
  return {
    value: readPickle(await readZipEntry(file, entry), { path, loadPersistent }).value,
    readStorage: async ({ key }, range) => {
      const entry = entries.get(`${root}data/${key}`);
      if (!entry) throw corrupt(path, `storage ${key} is not in the archive`);
      return readZipEntry(file, entry, range);
    },
  };
}

/** `best_model_1.7/data.pkl` → `best_model_1.7/` */
function pickleRoot(path: string, entries: ReadonlyMap<string, ZipEntry>): string {
  const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length === 1) return (pickles[0] as string).slice(0, -'data.pkl'.length);
  throw corrupt(path, `a PyTorch file has one data.pkl in its zip archive, this one ${pickles.length}`);
}

/** The pickle's promise is held against the archive's before memory is taken for it. */
function requireBytes({ key, dtype, elements }: PickledStorage, entry: ZipEntry | undefined): void {
  const needed = elements * bytesPerElement[dtype];
  if (!entry) throw new RangeError(`storage ${clip(key)} is not in the archive`);
  if (entry.size < needed)
    throw new RangeError(`storage ${clip(key)} has ${entry.size} bytes in the archive, ${needed} are promised`);
}

async function checkByteOrder(file: PositionedFile, entry: ZipEntry | undefined): Promise<void> {
  if (entry && entry.size > 16) throw corrupt(file.path, `${entry.size} bytes as the name of a byte order`);
  const order = entry ? Buffer.from(await readZipEntry(file, entry)).toString('latin1') : 'little';
  if (order !== 'little') throw corrupt(file.path, `byte order "${order}", only little is read`);
}
