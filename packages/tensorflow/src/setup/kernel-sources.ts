import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const native = path.resolve(import.meta.dirname, '../../native');

/** Our own kernels' C++ files. */
export const kernelSources = (): string[] => filesOf(native, '.cc');

/** The C++ files of the addon without them: tfjs-node's own, included, and the sums over processes. */
export const addonSources = (): string[] => filesOf(path.join(native, 'addon'), '.cc');

/** Changes when any line of our own kernels does; null where the sources are not, as in an image that holds only what is compiled. */
export const kernelDigest = (): string | null => digestOf(native);

/** The same for the rest of the addon. */
export const addonDigest = (): string | null => digestOf(path.join(native, 'addon'));

function digestOf(folder: string): string | null {
  const files = [...filesOf(folder, '.cc'), ...filesOf(folder, '.h')];
  if (files.length === 0) return null;
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

function filesOf(folder: string, ending: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(ending)) : [];
  return names.sort().map((name) => path.join(folder, name));
}
