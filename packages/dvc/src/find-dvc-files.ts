import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** Every `.dvc` file of a repository; hidden folders and installed packages are not searched. */
export async function findDvcFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const full = path.join(dir, entry.name);
      if (entry.isDirectory()) return isSearched(entry.name) ? findDvcFiles(full) : [];
      return entry.name.endsWith('.dvc') ? [full] : [];
    }),
  );
  return found.flat().toSorted();
}

function isSearched(name: string): boolean {
  return !name.startsWith('.') && name !== 'node_modules';
}
