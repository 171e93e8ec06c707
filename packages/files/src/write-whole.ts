import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { guardWriting } from '@crosscheck/contract';
import { ensureFolder } from './ensure-folder.ts';
import { temporaryBeside } from './litter.ts';

/**
 * Writes a small file with its folder, whole or not at all: under a temporary name first, so that a full disk or a kill leaves what stood there.
 *
 * @throws CROSSCHECK_OUTPUT_UNWRITABLE
 */
export function writeWhole(file: string, content: string | Uint8Array): void {
  makeFolder(path.dirname(file));
  const temporary = temporaryBeside(file);
  guardWriting(file, () => {
    try {
      writeFileSync(temporary, content);
      renameSync(temporary, file);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
}

/**
 * The same for what comes in pieces.
 *
 * @param write gets the temporary name
 * @throws CROSSCHECK_OUTPUT_UNWRITABLE
 */
export async function writeWholeBy(file: string, write: (temporary: string) => Promise<void>): Promise<void> {
  makeFolder(path.dirname(file));
  const temporary = temporaryBeside(file);
  await guardWriting(file, async () => {
    try {
      await write(temporary);
      renameSync(temporary, file);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
}

/** @throws CROSSCHECK_OUTPUT_UNWRITABLE */
export function makeFolder(folder: string): void {
  guardWriting(folder, () => ensureFolder(folder));
}
