import { type FileHandle, open } from 'node:fs/promises';
import { CrosscheckError, messageOf } from '@crosscheck/contract';

/** A file that is read by position, with its size fixed when it was opened. */
export interface PositionedFile {
  readonly path: string;
  readonly size: number;
  /** Exactly `length` bytes from `position`, in memory of their own. */
  read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

const readChunkBytes = 1 << 30; // one read(2) call gives less than 2 GiB

/**
 * @throws CROSSCHECK_WEIGHTS_NOT_FOUND when there is no such file or it may not be read
 * @throws CROSSCHECK_WEIGHTS_CORRUPT from `read`, when the file ends too early
 */
export async function openPositioned(path: string): Promise<PositionedFile> {
  const handle = await openReadable(path);
  const { size } = await handle.stat();
  return {
    path,
    size,
    read: (position, length) => readExactly(handle, { path, position, length }),
    close: () => handle.close(),
  };
}

async function openReadable(path: string): Promise<FileHandle> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    if ((await handle.stat()).isFile()) return handle;
  } catch (cause) {
    await handle?.close();
    const message = `expected a weights file at ${path}: ${messageOf(cause)}; check the path`;
    throw new CrosscheckError('CROSSCHECK_WEIGHTS_NOT_FOUND', message, { cause });
  }
  await handle.close();
  throw new CrosscheckError(
    'CROSSCHECK_WEIGHTS_NOT_FOUND',
    `expected a weights file at ${path}, got a folder or device`,
  );
}

async function readExactly(
  handle: FileHandle,
  { path, position, length }: { path: string; position: number; length: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(readChunkBytes, length - done), position + done);
    if (bytesRead === 0) throw corrupt(path, `it ends at byte ${position + done}, ${length - done} bytes too early`);
    done += bytesRead;
  }
  return bytes;
}

const longestProblem = 400;

/** What a file says about itself, a name for example, may be as long as the file. */
export function clip(text: string): string {
  return text.length > longestProblem ? `${text.slice(0, longestProblem)}…` : text;
}

/** The error for a file whose content is not what its format promises. */
export function corrupt(path: string, problem: string, cause?: unknown): CrosscheckError {
  const message = `${path} is damaged or not of the format expected: ${clip(problem)}; copy or download it again`;
  return new CrosscheckError('CROSSCHECK_WEIGHTS_CORRUPT', message, { cause });
}
