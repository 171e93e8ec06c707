import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(import.meta.dirname, '../../native');

/** Our own kernels' C++ files. */
export function kernelSources(): string[] {
  return filesOf('.cc');
}

/** Changes when any of their lines does; null where the sources are not, as in an image that holds only what is compiled. */
export function kernelDigest(): string | null {
  const files = [...filesOf('.cc'), ...filesOf('.h')];
  if (files.length === 0) return null;
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

function filesOf(ending: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(ending)) : [];
  return names.sort().map((name) => path.join(folder, name));
}
