import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import { CrosscheckError } from '@crosscheck/contract';
import { eachOf } from './each.ts';

/** Git and DVC run what lies there: hooks, filters, remotes with commands. Nothing of a pull belongs into either. */
const guarded = ['.git', '.dvc'];

/** What file systems do not tell apart: case; characters that Apple's ignores; dots and blanks at the end, streams and short names of Windows'. */
function asFileSystemsSee(name: string): string {
  const visible = name.replaceAll(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '').normalize('NFKC');
  return visible
    .toLowerCase()
    .replace(/:.*$/s, '')
    .replace(/[. ]+$/, '')
    .replace(/^(git|dvc)~\d+$/, '.$1');
}

const partsOf = (name: string) => name.split(/[\\/]/);

/**
 * Why a path of a `.dvc` file or listing may not be written to, whatever stands on the disk; null when it may.
 * Both kinds of slashes count, on every system: the same repository is pulled on others.
 */
export function problemOf(name: string): string | null {
  if (name.includes('\0')) return 'it holds a NUL character';
  if (path.posix.isAbsolute(name) || path.win32.isAbsolute(name) || /^[a-z]:/i.test(name)) return 'it is absolute';
  const into = partsOf(name).find((part) => guarded.includes(asFileSystemsSee(part)));
  return into === undefined ? null : `it leads into ${into}`;
}

/** The same for the path of a file inside a tracked folder, which has nothing but names between its slashes. */
export function problemInFolder(name: string): string | null {
  const odd = partsOf(name).find((part) => part === '' || part === '.' || part === '..');
  return problemOf(name) ?? (odd === undefined ? null : `"${odd}" is no name between its slashes`);
}

const isInside = (root: string, target: string) => {
  const relative = path.relative(root, target);
  return relative !== '' && !path.isAbsolute(relative) && partsOf(relative)[0] !== '..';
};

/** A path in the working tree, as it is written. @throws CROSSCHECK_DVC_UNSAFE_PATH */
export function requireInside(root: string, target: string, said: { name: string; where: string }): void {
  if (!isInside(root, target)) throw unsafePath(said, `it lies outside of the repository ${root}`);
  const problem = problemOf(path.relative(root, target));
  if (problem !== null) throw unsafePath(said, problem);
}

interface Written {
  folder: string;
  /** What is tracked there. */
  name: string;
  /** The `.dvc` file that says so. */
  from: string;
}

/**
 * Links of the working tree must not lead what is placed elsewhere.
 *
 * @throws CROSSCHECK_DVC_UNSAFE_PATH
 */
export async function requireNoWayOut(root: string, written: Iterable<Written>): Promise<void> {
  const realRoot = await realpath(root);
  const byFolder = new Map(Array.from(written, (one) => [one.folder, one]));
  await eachOf(byFolder.values(), 16, async ({ folder, name, from }) => {
    const real = await destinationOf(folder);
    const said = { name: path.relative(root, name), where: from };
    if (real === null) throw unsafePath(said, `a link on its way leads to nothing`);
    const problem =
      real === realRoot || isInside(realRoot, real) ? problemOf(path.relative(realRoot, real)) : 'outside';
    if (problem !== null) throw unsafePath(said, `a link on its way leads to ${real}`);
  });
}

/** Where a folder is or would be, links followed; null below a link to nothing. */
async function destinationOf(folder: string): Promise<string | null> {
  const real = await realpath(folder).catch(() => null);
  if (real !== null) return real;
  if ((await lstat(folder).catch(() => null))?.isSymbolicLink()) return null;
  const parent = await destinationOf(path.dirname(folder));
  return parent && path.join(parent, path.basename(folder));
}

export function unsafePath({ name, where }: { name: string; where: string }, problem: string): CrosscheckError {
  const message = `expected a path inside the repository and outside of ${guarded.join(' and ')}, got ${JSON.stringify(name)} in ${where}: ${problem}; nothing was written. Correct the path, and ask whoever wrote it`;
  return new CrosscheckError('CROSSCHECK_DVC_UNSAFE_PATH', message);
}
