import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes a folder with those above it, one after the other from the first that is there. Node's own `recursive: true` waits for ever where a file
 * system says of a folder that stands that it is not there (`/proc`), and calls a read-only file system so, too.
 */
export function ensureFolder(folder: string): void {
  const missing: string[] = [];
  for (let at = path.resolve(folder); !existsSync(at); at = path.dirname(at)) missing.unshift(at);
  for (const each of missing.length > 0 ? missing : [folder]) makeOne(each);
}

function makeOne(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have been faster; a file that stands there is none of a folder.
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST' && existsSync(path.join(folder, '.'));
    if (!isThere) throw error;
  }
}
