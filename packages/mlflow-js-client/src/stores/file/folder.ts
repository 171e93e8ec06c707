import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { replaceFile } from '../../transfers.ts';

/** Writes one value into a file of its own, making the folders that a `/` in the key asks for. */
export async function writeValue(folder: string, key: string, value: string): Promise<void> {
  const path = join(folder, key);
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, (partial) => writeFile(partial, value));
}

export async function readValueOrNull(folder: string, key: string): Promise<string | null> {
  const path = join(folder, key);
  return existsSync(path) ? readFile(path, 'utf8') : null;
}

/** Every file below a folder, as key and content. */
export async function readValues(folder: string): Promise<Record<string, string>> {
  const files = existsSync(folder) ? await readdir(folder, { recursive: true, withFileTypes: true }) : [];
  const entries = files
    .filter((file) => file.isFile())
    .map(async (file) => {
      const path = join(file.parentPath, file.name);
      return [relative(folder, path).split(sep).join('/'), await readFile(path, 'utf8')] as const;
    });
  return Object.fromEntries(await Promise.all(entries));
}

export async function listFolders(folder: string): Promise<string[]> {
  const entries = existsSync(folder) ? await readdir(folder, { withFileTypes: true }) : [];
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** An id as MLflow's file store makes them: 18 digits, the first one not zero. */
export function generateNumericId(): string {
  return String(randomInt(1, 1_000_000_000)).padEnd(9, '7') + String(randomInt(1_000_000_000)).padStart(9, '0');
}

const STALE_LOCK_MS = 10_000;
const LOCK_PAUSE_MS = 20;

/** Holds a lock file while acting; MLflow's file store has no locks, so two processes could make one experiment twice. */
export async function withLock<T>(path: string, act: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  for (;;) {
    const lock = await open(path, 'wx').catch(() => null);
    if (lock !== null) {
      await lock.close();
      break;
    }
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > STALE_LOCK_MS) await rm(path, { force: true });
    await sleep(LOCK_PAUSE_MS);
  }
  try {
    return await act();
  } finally {
    await rm(path, { force: true });
  }
}
