import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { CrosscheckError } from './errors.ts';

interface Refusal {
  reason: string;
  remedy: string;
}

const elsewhere = 'choose another place';
const user = () => (process.getuid ? `user ${process.getuid()}` : 'this user');

/** Why a system refuses to write a file, and what helps. */
const refusals: Record<string, () => Refusal> = {
  ENOSPC: () => ({ reason: 'no space is left there', remedy: `free space, or ${elsewhere}` }),
  EDQUOT: () => ({ reason: `the disk quota of ${user()} is used up`, remedy: `free space, or ${elsewhere}` }),
  EFBIG: () => ({ reason: 'the file system takes no file this large', remedy: elsewhere }),
  EROFS: () => ({ reason: 'the file system is read-only', remedy: elsewhere }),
  EACCES: () => ({ reason: `${user()} has no permission`, remedy: `give ${user()} the right, or ${elsewhere}` }),
  EPERM: () => ({ reason: `${user()} is not permitted to`, remedy: `give ${user()} the right, or ${elsewhere}` }),
  ENOTDIR: () => ({ reason: 'a file stands where a folder is needed', remedy: `move the file, or ${elsewhere}` }),
  EEXIST: () => ({ reason: 'a file stands where a folder is needed', remedy: `move the file, or ${elsewhere}` }),
  EISDIR: () => ({ reason: 'a folder stands there', remedy: `move the folder, or ${elsewhere}` }),
  ENOENT: () => ({ reason: 'it, or its folder, is not there', remedy: elsewhere }),
  ENAMETOOLONG: () => ({ reason: 'the name is too long', remedy: 'choose a shorter one' }),
  EIO: () => ({ reason: 'the disk failed', remedy: elsewhere }),
};

/** Calls that only read; `open` may be either. */
const readingCalls = new Set(['access', 'lstat', 'read', 'readlink', 'realpath', 'scandir', 'stat', 'opendir']);

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && String((error as NodeJS.ErrnoException).code) in refusals;

/** The reason of a file system in words, with its code; null for errors that are none of a file system. */
export function describeSystemError(error: unknown): string | null {
  if (!isSystemError(error)) return null;
  const code = codeOf(error);
  return `${refusalOf(code).reason} (${code})`;
}

const refusalOf = (code: string) => (refusals[code] as () => Refusal)();

/** Making a folder with its parents says ENOENT where a file system is read-only; the nearest folder that is there tells the reason. */
function codeOf({ code = '', syscall, path: file }: NodeJS.ErrnoException): string {
  if (code !== 'ENOENT' || syscall !== 'mkdir' || file === undefined) return code;
  let parent = path.dirname(path.resolve(file));
  while (!existsSync(parent)) parent = path.dirname(parent);
  try {
    accessSync(parent, constants.W_OK);
    return code;
  } catch (error) {
    return isSystemError(error) ? (error.code as string) : code;
  }
}

/**
 * What a file system refused, as one of our errors.
 *
 * @param file what was being written, where the error does not say it
 * @returns null when it is something else
 */
export function asFileError(error: unknown, file?: string): CrosscheckError | null {
  if (!isSystemError(error)) return null;
  const place = file ?? error.path ?? 'a file';
  if (file === undefined && isOfReading(error)) {
    const message = `cannot read ${place}: ${describeSystemError(error)}; name a file that can be read`;
    return new CrosscheckError('CROSSCHECK_INPUT_UNREADABLE', message, { cause: error });
  }
  const { remedy } = refusalOf(codeOf(error));
  const message = `cannot write ${place}: ${describeSystemError(error)}; ${remedy}`;
  return Object.assign(new CrosscheckError('CROSSCHECK_OUTPUT_UNWRITABLE', message, { cause: error }), { file: place });
}

function isOfReading({ code, syscall = '', path: file }: NodeJS.ErrnoException): boolean {
  // Inputs are looked for before they are opened: a file in place of a folder is met where something is to be made.
  if (['ENOSPC', 'EROFS', 'EDQUOT', 'ENOTDIR'].includes(code ?? '')) return false;
  if (code === 'ENOENT' && syscall === 'open' && file !== undefined) return existsSync(path.dirname(file));
  return (
    readingCalls.has(syscall) || (syscall === 'open' && file !== undefined && existsSync(file) && !isReadable(file))
  );
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs what writes a file or folder.
 *
 * @throws CROSSCHECK_OUTPUT_UNWRITABLE with the path, the reason and what to do, in place of the system's error
 */
export function guardWriting<T>(file: string, write: () => T): T {
  try {
    const written = write();
    return written instanceof Promise ? (written.catch((error: unknown) => rethrow(error, file)) as T) : written;
  } catch (error) {
    return rethrow(error, file);
  }
}

function rethrow(error: unknown, file: string): never {
  throw asFileError(error, file) ?? error;
}

/** The same error, naming the setting that the path came from in place of "another place". */
export function nameKey(error: unknown, settings: Readonly<Record<string, unknown>>): unknown {
  if (!(error instanceof CrosscheckError) || !('file' in error)) return error;
  const file = path.resolve(String(error.file));
  const key = keyOf(file, settings);
  if (key === null) return error;
  const message = error.message.replace(elsewhere, `choose another ${key}`);
  return new CrosscheckError(error.code, message, { cause: error.cause });
}

/** The setting that names the file, or the nearest folder above it. */
function keyOf(file: string, settings: Readonly<Record<string, unknown>>): string | null {
  const folders = Object.entries(settings).flatMap(([key, value]) => {
    if (typeof value !== 'string' || value === '') return [];
    const folder = path.resolve(value);
    return file === folder || file.startsWith(`${folder}${path.sep}`) ? [{ key, length: folder.length }] : [];
  });
  return folders.toSorted((a, b) => b.length - a.length)[0]?.key ?? null;
}
