import { lstatSync, mkdirSync } from 'node:fs';

/**
 * True for a file or folder that nobody but this user and the system's administrator can have written: no link, of this user's or root, and
 * closed to its group and to others.
 */
export function isOnlyOurs(file: string, kind: 'file' | 'folder'): boolean {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (!found || !(kind === 'file' ? found.isFile() : found.isDirectory())) return false;
  if (process.getuid === undefined) return true; // a system without such owners
  return (found.uid === process.getuid() || found.uid === 0) && (found.mode & 0o022) === 0;
}

/** Makes a folder that only this user can write to. @returns false where it is there and others can */
export function makeOwnFolder(folder: string): boolean {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return isOnlyOurs(folder, 'folder');
}
