import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { CrosscheckError, messageOf } from '@crosscheck/contract';

/** Larger files are refused before they are read: an uncompressed image of 40 megapixels has 120 MB. */
export const maxImageBytes: number = 128 * 2 ** 20;

// A pipe without a writer would hang the opening.
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Reads an image's file: regular files only, no device, pipe or folder, and none larger than `maxBytes`.
 *
 * @throws CROSSCHECK_IMAGE_UNREADABLE, CROSSCHECK_IMAGE_TOO_LARGE
 */
export async function readImageFile(file: string, maxBytes: number = maxImageBytes): Promise<Buffer> {
  const handle = await open(file, flags).catch((cause: unknown) => {
    throw notOpened(file, cause);
  });
  try {
    requireImageFile(await handle.stat(), file, maxBytes);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** The same without a turn of the event loop, for threads that do nothing else. */
export function readImageFileSync(file: string, maxBytes: number = maxImageBytes): Buffer {
  const descriptor = openAtOnce(file);
  try {
    requireImageFile(fstatSync(descriptor), file, maxBytes);
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function openAtOnce(file: string): number {
  try {
    return openSync(file, flags);
  } catch (cause) {
    throw notOpened(file, cause);
  }
}

/** The opened file is looked at, not its name: nothing can take its place in between. */
function requireImageFile(found: Stats, file: string, maxBytes: number): void {
  if (!found.isFile()) {
    const what = found.isDirectory() ? 'a folder' : 'a device, a pipe or a socket';
    throw unreadable(`expected an image file, got ${what} (${file}); only regular files are read`);
  }
  if (found.size <= maxBytes) return;
  const message = `expected an image file of at most ${maxBytes} bytes, got ${found.size} (${file}); save it smaller`;
  throw new CrosscheckError('CROSSCHECK_IMAGE_TOO_LARGE', message);
}

function notOpened(file: string, cause: unknown): CrosscheckError {
  const isMissing = ['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '');
  const found = isMissing ? 'nothing' : messageOf(cause);
  return unreadable(`expected an image file, got ${found} (${file}); correct the path, or bring the file there`, cause);
}

function unreadable(message: string, cause?: unknown): CrosscheckError {
  return new CrosscheckError('CROSSCHECK_IMAGE_UNREADABLE', message, { cause });
}
