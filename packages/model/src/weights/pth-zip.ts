import { readPickle } from './pickle.ts';
import { storageOf } from './pickle-globals.ts';
import { corrupt, type PositionedFile } from './positioned-file.ts';
import type { PthContent } from './pth-content.ts';
import { readZipDirectory, readZipEntry, type ZipEntry } from './zip.ts';

/** `torch.save` since PyTorch 1.6: `NAME/data.pkl`, `NAME/byteorder` and a file `NAME/data/KEY` for every storage. */
export async function readZipPth(file: PositionedFile): Promise<PthContent> {
  const { path } = file;
  const entries = await readZipDirectory(file);
  const root = pickleRoot(path, entries);
  await checkByteOrder(file, entries.get(`${root}byteorder`));
  const pickle = await readZipEntry(file, entries.get(`${root}data.pkl`) as ZipEntry);
  return {
    value: readPickle(pickle, { path, loadPersistent: storageOf }).value,
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

async function checkByteOrder(file: PositionedFile, entry: ZipEntry | undefined): Promise<void> {
  const order = entry ? Buffer.from(await readZipEntry(file, entry)).toString('latin1') : 'little';
  if (order !== 'little') throw corrupt(file.path, `byte order "${order}", only little is read`);
}
