import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';

/** How many bytes the files of a folder may have, and when a file counts as in use. */
export interface Room {
  maxBytes: number;
  /** Milliseconds since 1970: files that were used later are spared. */
  usedSince: number;
}

/** Marks a file as used now, where that is allowed. */
export function markUsed(file: string): void {
  const now = new Date();
  try {
    utimesSync(file, now, now);
  } catch {
    // A folder that others fill and nobody else may change is as good.
  }
}

function listFiles(folder: string): { file: string; bytes: number; usedAt: number }[] {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return names.flatMap(({ name }) => {
    const file = path.join(folder, name);
    // Another process may have deleted it meanwhile.
    const found = statSync(file, { throwIfNoEntry: false });
    return found ? [{ file, bytes: found.size, usedAt: found.mtimeMs }] : [];
  });
}

/**
 * Deletes those files of a folder that were used longest ago, once `bytes` more would not fit; then a little more at once, so that it does not
 * begin again with the next file.
 *
 * @returns how many bytes fit now
 */
export function makeRoom(folder: string, bytes: number, { maxBytes, usedSince }: Room): number {
  const files = listFiles(folder);
  let free = maxBytes - files.reduce((sum, file) => sum + file.bytes, 0);
  if (free >= bytes) return free;
  const wanted = Math.max(bytes, maxBytes / 8);
  for (const { file, bytes: size, usedAt } of files.sort((a, b) => a.usedAt - b.usedAt)) {
    if (free >= wanted || usedAt >= usedSince) break;
    rmSync(file, { force: true });
    free += size;
  }
  return free;
}
