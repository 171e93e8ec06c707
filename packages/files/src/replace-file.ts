import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { guardWriting } from '@crosscheck/contract';
import { ensureFolder } from './ensure-folder.ts';
import { temporaryBeside } from './litter.ts';

export interface ReplaceOptions {
  /** What was written outlives a power cut: the file and its folder are on the disk before this returns. @default false */
  isDurable?: boolean;
}

/**
 * Makes a file whole or not at all, with its folder: it is written under a temporary name beside its own and renamed, so that a full disk or a
 * kill leaves what stood there. Errors come as they are; the temporary file is gone.
 *
 * @param write gets the temporary name
 */
export async function replaceFile<T>(
  file: string,
  write: (temporary: string) => Promise<T>,
  { isDurable = false }: ReplaceOptions = {},
): Promise<T> {
  const temporary = temporaryBeside(file);
  try {
    ensureFolder(path.dirname(file));
    const result = await write(temporary);
    if (isDurable) await flush(temporary);
    await rename(temporary, file);
    if (isDurable && process.platform !== 'win32') await flush(path.dirname(file)); // a folder cannot be opened there
    return result;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function flush(place: string): Promise<void> {
  const handle = await open(place, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The same without waiting, for what is at hand. */
export function replaceFileSync(file: string, content: string | Uint8Array): void {
  const temporary = temporaryBeside(file);
  try {
    ensureFolder(path.dirname(file));
    writeFileSync(temporary, content);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Writes a small file with its folder, whole or not at all.
 *
 * @throws CROSSCHECK_OUTPUT_UNWRITABLE
 */
export function writeWhole(file: string, content: string | Uint8Array): void {
  makeFolder(path.dirname(file));
  guardWriting(file, () => replaceFileSync(file, content));
}

/**
 * The same for what comes in pieces.
 *
 * @param write gets the temporary name
 * @throws CROSSCHECK_OUTPUT_UNWRITABLE
 */
export async function writeWholeBy(file: string, write: (temporary: string) => Promise<void>): Promise<void> {
  makeFolder(path.dirname(file));
  await guardWriting(file, () => replaceFile(file, write));
}

/** @throws CROSSCHECK_OUTPUT_UNWRITABLE */
export function makeFolder(folder: string): void {
  guardWriting(folder, () => ensureFolder(folder));
}
