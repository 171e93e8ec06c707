import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Makes an empty folder and returns its path with a function that removes it. */
export function temporaryFolder(): { dir: string; remove: () => void } {
  const dir = mkdtempSync(path.join(realpathSync(tmpdir()), 'crosscheck-test-'));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** The repository's root folder. */
export const repositoryRoot: string = path.resolve(import.meta.dirname, '../../..');
