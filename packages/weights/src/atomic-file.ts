import { type FileHandle, open } from 'node:fs/promises';
import { CrosscheckError, describeSystemError, messageOf } from '@crosscheck/contract';
import { replaceFile } from '@crosscheck/files';

/** Appends all of `bytes` to the file. */
export type Append = (bytes: Uint8Array) => Promise<void>;

/**
 * Writes a file that outlives a power cut: its name holds either the old content or the whole new one.
 *
 * @throws CROSSCHECK_CHECKPOINT_WRITE_FAILED when the disk refuses; the temporary file is gone and the old one untouched
 */
export async function writeAtomically(target: string, body: (append: Append) => Promise<void>): Promise<void> {
  try {
    await replaceFile(target, (temporary) => writeNew(temporary, body), { isDurable: true });
  } catch (error) {
    throw isSystemError(error) ? writeFailed(target, error) : error;
  }
}

async function writeNew(file: string, body: (append: Append) => Promise<void>): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await body((bytes) => appendAll(handle, bytes));
  } finally {
    await handle.close();
  }
}

const writeChunkBytes = 1 << 26; // one write(2) call takes less than 2 GiB

async function appendAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.byteLength; ) {
    const length = Math.min(writeChunkBytes, bytes.byteLength - offset);
    offset += (await handle.write(bytes, offset, length)).bytesWritten;
  }
}

/** True for errors of the operating system (disk full, no permission, …). */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

function writeFailed(target: string, cause: NodeJS.ErrnoException): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_CHECKPOINT_WRITE_FAILED',
    `could not write ${target}: ${describeSystemError(cause) ?? messageOf(cause)}; a file that stood there before is unchanged. Free space or choose a folder that can be written`,
    { cause },
  );
}
