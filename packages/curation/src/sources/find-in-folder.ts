import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { createImageLocator, type ImageLocator, type LostImage } from '@crosscheck/posts';

export interface SearchedFolder {
  dir: string;
  /** Folder of the file whose cells name images; a path may start there, too. */
  beside: string;
  allowOutsideRoot: boolean;
  /** The option that names the folder. */
  option: string;
  /** What files must end with to be named without their ending. */
  endings: RegExp;
  /** Whether a folder may be named like a file. */
  folders: boolean;
}

/**
 * Finds what a cell names in a folder and below it: the exact path comes first; then the one file whose path ends like the cell, with or without its
 * ending; then the one whose whole path is the end of the cell. Hidden folders are not searched, and a name that fits two files names none.
 *
 * @throws CROSSCHECK_DATA_NOT_FOUND for a folder that does not exist
 */
export async function createFolderSearch(folder: SearchedFolder): Promise<ImageLocator> {
  const { dir, beside, allowOutsideRoot, option } = folder;
  const index = indexPaths(await listFiles(folder), folder);
  const locate = createImageLocator({
    root: dir,
    others: [beside],
    allowOutsideRoot,
    keys: { root: option, allowOutsideRoot: 'allow_outside_root' },
  });
  return async (cell) => {
    const exact = await locate(cell);
    if ('file' in exact && !exact.isRespelt) return exact;
    if ('code' in exact && exact.code === 'CROSSCHECK_DATA_AMBIGUOUS_IMAGE') return exact;
    const found = index(cell.trim().replaceAll('\\', '/').normalize('NFC'));
    if (found.length > 1) return ambiguous(cell, found, option);
    return found[0] === undefined ? exact : { file: path.resolve(dir, found[0]), isRespelt: false };
  };
}

function ambiguous(cell: string, found: readonly string[], option: string): LostImage {
  const message = `"${cell}" is the name of ${found.length} files in ${option}: ${found.slice(0, 2).join(' and ')}; write the whole path`;
  return { code: 'CROSSCHECK_DATA_AMBIGUOUS_IMAGE', message };
}

/** Everything below the folder by its path there; hidden files and folders are other programs' own. */
async function listFiles({ dir, folders, option }: SearchedFolder): Promise<string[]> {
  const names: string[] = [];
  const waiting = [''];
  for (let inner = waiting.pop(); inner !== undefined; inner = waiting.pop()) {
    for (const entry of await entriesOf(path.join(dir, inner), option)) {
      const name = path.posix.join(inner, entry.name);
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) waiting.push(name);
      if (!entry.isDirectory() || folders) names.push(name);
    }
  }
  return names.sort();
}

async function entriesOf(dir: string, option: string): Promise<Dirent[]> {
  return readdir(dir, { withFileTypes: true }).catch((cause: unknown) => {
    const message = `expected a folder at ${path.resolve(dir)}, got nothing that can be listed; set ${option}=<folder>`;
    throw new CrosscheckError('CROSSCHECK_DATA_NOT_FOUND', message, { cause });
  });
}

/** Paths by their last part, with and without ending, so that a cell is compared with few. */
function indexPaths(names: readonly string[], { endings }: SearchedFolder): (cell: string) => string[] {
  const byLastPart = new Map<string, Set<string>>();
  const keysOf = (name: string) => (endings.test(name) ? [name, name.replace(endings, '')] : [name]);
  for (const name of names) {
    for (const key of keysOf(name).map((full) => path.posix.basename(full).normalize('NFC'))) {
      byLastPart.set(key, (byLastPart.get(key) ?? new Set()).add(name));
    }
  }
  const endsWith = (whole: string, end: string) => whole === end || whole.endsWith(`/${end}`);
  return (cell) => {
    const wanted = cell.replace(/^(\.?\/)+/, '');
    const near = [...(byLastPart.get(path.posix.basename(wanted)) ?? [])];
    const match = (fits: (key: string) => boolean) => near.filter((name) => keysOf(name.normalize('NFC')).some(fits));
    const below = match((key) => endsWith(key, wanted));
    return below.length > 0 ? below : match((key) => key.includes('/') && endsWith(wanted, key));
  };
}
