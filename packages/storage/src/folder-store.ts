import { createReadStream, createWriteStream } from 'node:fs';
import { link, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asFileError, CrosscheckError, isCrosscheckError, messageOf } from '@crosscheck/contract';
import { ensureFolder, isTemporary, temporaryBeside } from '@crosscheck/files';
import { notFound, writeFailed } from './errors.ts';
import {
  type ObjectBody,
  type ObjectStore,
  partsOfKey,
  type ReadOptions,
  sortByCodePoints,
  type WriteOptions,
} from './store.ts';

/** A folder of this machine or of a mounted volume. */
export class FolderStore implements ObjectStore {
  readonly url: string;
  readonly #dir: string;

  constructor(dir: string) {
    this.url = dir;
    this.#dir = path.resolve(dir);
  }

  async read(key: string, { from = 0 }: ReadOptions = {}): Promise<ObjectBody> {
    const file = this.#file(key);
    // Opening a pipe would wait for ever, and a device has no end.
    if (!(await this.exists(key))) throw notFound(file);
    const handle = await open(file).catch((cause: unknown) => {
      throw notFound(file, cause);
    });
    return { chunks: createReadStream('', { fd: handle, start: from }), from };
  }

  async exists(key: string): Promise<boolean> {
    return (await stat(this.#file(key)).catch(() => null))?.isFile() ?? false;
  }

  async list(folder: string): Promise<string[]> {
    const entries = await readdir(this.#file(folder), { recursive: true, withFileTypes: true }).catch(noEntries);
    const files = entries.filter((entry) => !entry.isDirectory() && !isTemporary(entry.name));
    const keys = files.map((entry) => path.relative(this.#dir, path.join(entry.parentPath, entry.name)));
    return sortByCodePoints(keys.map((key) => key.replaceAll(path.sep, '/')));
  }

  async write(key: string, bytes: Uint8Array, { onlyIfAbsent = false }: WriteOptions = {}): Promise<boolean> {
    return this.#place(key, [bytes], onlyIfAbsent ? linkIfAbsent : renameOver);
  }

  async writeStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#place(key, chunks, renameOver);
  }

  async remove(key: string): Promise<void> {
    const file = this.#file(key);
    await rm(file, { force: true }).catch((cause: unknown) => {
      throw refused(file, cause);
    });
  }

  async #place(
    key: string,
    chunks: AsyncIterable<Uint8Array> | Uint8Array[],
    place: (from: string, to: string) => Promise<boolean>,
  ): Promise<boolean> {
    const file = this.#file(key);
    // Earlier versions that share the folder hide what begins so.
    const temporary = temporaryBeside(path.join(path.dirname(file), 'unfinished-'));
    try {
      ensureFolder(path.dirname(file));
      await pipeline(Readable.from(chunks), createWriteStream(temporary, { flush: true }));
      return await place(temporary, file);
    } catch (cause) {
      if (isCrosscheckError(cause)) throw cause; // of the chunks' source
      throw refused(file, cause);
    } finally {
      await rm(temporary, { force: true }).catch(() => {}); // where there is no folder, there is no file either
    }
  }

  #file(key: string): string {
    return path.join(this.#dir, ...partsOfKey(this.url, key));
  }
}

/** The system's reason in words, with the place, so that a command can name the setting that it came from. */
function refused(file: string, cause: unknown): CrosscheckError {
  const known = asFileError(cause, file);
  if (known === null) return writeFailed(file, messageOf(cause), cause);
  return Object.assign(new CrosscheckError('CROSSCHECK_STORAGE_WRITE_FAILED', known.message, { cause }), { file });
}

async function renameOver(from: string, to: string): Promise<boolean> {
  await rename(from, to);
  return true;
}

/** A hard link fails where the name is taken, whoever took it meanwhile; a rename would replace. */
async function linkIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function noEntries(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
