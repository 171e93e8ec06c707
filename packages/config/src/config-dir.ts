import { existsSync } from 'node:fs';
import path from 'node:path';

/** The folder of configs: `configs/` in the working directory, else the one of the repository. */
export function findConfigDir(): string {
  const here = path.resolve('configs');
  return existsSync(here) ? here : path.resolve(import.meta.dirname, '../../../configs');
}
