import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '@crosscheck/contract';
import { homeFolder, writeWhole } from '@crosscheck/files';
import { isInside } from '@crosscheck/posts';

/** Folders outside of its own from which a data set takes images, beside its manifests. A data set may come from strangers, and this file with it. */
const rootsFile = 'image_roots.json';

/** How many folders are named at most; then those that hold them. */
const maxRoots = 16;

export interface ImageRoots {
  /** Absolute. */
  folders: string[];
  /** Why entries, or the whole file, are not followed. */
  notes: string[];
}

/**
 * Notes beside manifests from which folders outside of theirs they take images, so that those who read them may follow. Only commands that made the
 * manifests from these very images do so.
 */
export async function noteImageRoots(dir: string, images: readonly string[]): Promise<void> {
  const outside = images.filter((image) => !isInside(path.resolve(image), path.resolve(dir)));
  if (outside.length === 0) return;
  const known = (await readImageRoots(dir)).folders;
  let roots = [...new Set([...known, ...outside.map((image) => path.dirname(path.resolve(image)))])];
  const collapse = () => roots.filter((root) => !roots.some((other) => other !== root && isInside(root, other)));
  for (roots = collapse(); roots.length > maxRoots; roots = collapse())
    roots = [...new Set(roots.map((root) => path.dirname(root)))]; // prettier-ignore
  const relative = roots.sort().map((root) => path.relative(dir, root).replaceAll(path.sep, '/'));
  writeWhole(path.join(dir, rootsFile), `${JSON.stringify(relative, null, 2)}\n`);
}

/** The folders that a data set's file names, without those that no data set needs. */
export async function readImageRoots(dir: string): Promise<ImageRoots> {
  const found: ImageRoots = { folders: [], notes: [] };
  const file = path.join(dir, rootsFile);
  for (const entry of await readEntries(file, found.notes)) {
    const folder = path.resolve(dir, entry);
    const why = await whyRefused(folder);
    if (why === null) found.folders.push(folder);
    else found.notes.push(`${file} names ${folder}, which is ${why}: no image is read from there by its leave`);
  }
  return found;
}

async function readEntries(file: string, notes: string[]): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '[]');
  try {
    const roots: unknown = JSON.parse(text);
    if (Array.isArray(roots) && roots.length <= maxRoots && roots.every((root) => typeof root === 'string'))
      return roots;
    notes.push(`${file} is not followed: expected a list of at most ${maxRoots} folders`);
  } catch (error) {
    notes.push(`${file} is not followed: ${messageOf(error)}`);
  }
  return []; // images outside are then refused, with what to do
}

/** Folders of the system, with all that they hold. */
const systemTrees = ['/bin', '/boot', '/dev', '/etc', '/lib', '/lib64', '/proc', '/run', '/sbin', '/sys', '/usr'];

/** Folders that hold what belongs to many. */
const crowded = ['/', '/Users', '/home', '/media', '/mnt', '/opt', '/private', '/srv', '/tmp', '/var'];

async function whyRefused(folder: string): Promise<string | null> {
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return 'no folder';
  // A link may lead to one of them.
  const reasons = [folder, await realpath(folder)].map(whyTooMuch);
  return reasons.find((reason) => reason !== null) ?? null;
}

function whyTooMuch(folder: string): string | null {
  const home = homeFolder();
  if (home !== null && isInside(home, folder)) return 'a home folder, or above one';
  if (['/home', '/Users'].includes(path.dirname(folder))) return 'a home folder';
  if (crowded.includes(folder) || path.parse(folder).root === folder) return 'a folder of the whole system';
  return systemTrees.some((tree) => isInside(folder, tree)) ? 'a folder of the system' : null;
}
