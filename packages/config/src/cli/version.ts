import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The version of this package, which all packages of the repository share. */
export function packageVersion(): string {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
