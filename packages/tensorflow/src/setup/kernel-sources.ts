import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(import.meta.dirname, '../../native');

/** Our own kernels' C++ files. */
export function kernelSources(): string[] {
  return filesOf('.cc');
}

/** Changes when any of their lines does. */
export function kernelDigest(): string {
  const hash = createHash('sha256');
  for (const file of [...filesOf('.cc'), ...filesOf('.h')]) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

function filesOf(ending: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(ending));
  return names.sort().map((name) => path.join(folder, name));
}
