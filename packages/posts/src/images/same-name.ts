import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** What a name looks like: the same for all Unicode forms of its letters. */
export const looksOf = (name: string): string => name.normalize('NFC');

/** Names of a folder, remembered for a while: missing images come in crowds. */
export type FolderLister = (dir: string) => Promise<readonly string[]>;

const rememberedFolders = 64;

export function createFolderLister(): FolderLister {
  const listings = new Map<string, Promise<readonly string[]>>();
  return (dir) => {
    const known = listings.get(dir);
    if (known) return known;
    const listing = readdir(dir).catch(() => []);
    listings.set(dir, listing);
    for (const oldest of listings.keys()) if (listings.size > rememberedFolders) listings.delete(oldest);
    return listing;
  };
}

/**
 * Paths below a folder whose every part is alike to the wanted one's by `likeness`.
 *
 * @param relative without `..`, parts separated by `/`
 */
export async function findAlike(
  dir: string,
  relative: string,
  likeness: (name: string) => string,
  list: FolderLister,
): Promise<string[]> {
  let found = [dir];
  for (const part of relative.split('/').filter((name) => name !== '' && name !== '.')) {
    const wanted = likeness(part);
    const deeper = await Promise.all(
      found.map(async (folder) =>
        (await list(folder)).filter((name) => likeness(name) === wanted).map((name) => path.join(folder, name)),
      ),
    );
    found = deeper.flat();
  }
  return found;
}
