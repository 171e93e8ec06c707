import { copyFile, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { replaceFile } from '@crosscheck/files';
import { isSystemError } from '../atomic-file.ts';
import type { HubFile } from './errors.ts';

/**
 * The folder of one repository in the Hub's cache, laid out as Python's `huggingface_hub` does, so that both use the same files:
 * `blobs/<etag>`, `snapshots/<commit>/<file>` → blob, `refs/<revision>` = commit.
 *
 * @see https://huggingface.co/docs/huggingface_hub/guides/manage-cache
 */
export function repositoryFolder(cacheDir: string, id: string): string {
  return path.join(cacheDir, `models--${id.replaceAll('/', '--')}`);
}

export function blobPath(folder: string, etag: string): string {
  return path.join(folder, 'blobs', etag);
}

/** The cached file of a branch, tag or commit, or null. */
export async function findCached(folder: string, { revision, file }: Omit<HubFile, 'id'>): Promise<string | null> {
  const commit = (await readFile(path.join(folder, 'refs', revision), 'utf8').catch(() => revision)).trim();
  const pointer = path.join(folder, 'snapshots', commit, file);
  return (await exists(pointer)) ? pointer : null;
}

/** Makes a downloaded blob the file of a snapshot, and the snapshot that of the revision. Returns the file's path. */
export async function addToSnapshot(
  folder: string,
  { revision, file, commit, etag }: Omit<HubFile, 'id'> & { commit: string; etag: string },
): Promise<string> {
  const pointer = path.join(folder, 'snapshots', commit, file);
  await mkdir(path.dirname(pointer), { recursive: true });
  if (!(await exists(pointer))) await link(blobPath(folder, etag), pointer);
  if (revision !== commit) await writeReference(path.join(folder, 'refs', revision), commit);
  return pointer;
}

async function link(blob: string, pointer: string): Promise<void> {
  try {
    await symlink(path.relative(path.dirname(pointer), blob), pointer);
  } catch (error) {
    const code = isSystemError(error) ? error.code : undefined;
    if (code === 'EPERM')
      await copyFile(blob, pointer); // a file system without symbolic links
    else if (code !== 'EEXIST') throw error; // another process was faster
  }
}

async function writeReference(file: string, commit: string): Promise<void> {
  await replaceFile(file, (temporary) => writeFile(temporary, commit));
}

export async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null)) !== null;
}
