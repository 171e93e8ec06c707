import { createWriteStream } from 'node:fs';
import { chmod, lstat, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CrosscheckError, isCrosscheckError } from '@crosscheck/contract';
import type { ObjectStore } from '@crosscheck/storage';
import { type DvcObject, isObject, keyOf } from './objects.ts';

/** DVC's own cache folder: what was fetched once is not fetched again, by us or by DVC. */
export class Cache {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  fileOf(object: DvcObject): string {
    return path.join(this.#dir, keyOf(object));
  }

  async has(object: DvcObject): Promise<boolean> {
    return (await lstat(this.fileOf(object)).catch(() => null))?.isFile() ?? false;
  }

  /** @throws CROSSCHECK_DVC_TOO_LARGE when it is longer than a list of files may be */
  async text(object: DvcObject): Promise<string> {
    if ((await sizeOf(this.fileOf(object))) > object.maxBytes) throw tooLong(object, this.fileOf(object));
    return readFile(this.fileOf(object), 'utf8');
  }

  /**
   * Brings an object here from a remote and checks its md5. What an earlier pull left of it is gone on with.
   *
   * @param onBytes told of every chunk
   * @throws CROSSCHECK_DVC_NOT_IN_REMOTE, CROSSCHECK_DVC_MD5_MISMATCH, CROSSCHECK_DVC_TOO_LARGE, and what the remote throws
   */
  async fetch(remote: ObjectStore, object: DvcObject, onBytes: (bytes: number) => void = () => {}): Promise<void> {
    if (await this.has(object)) return;
    const file = this.fileOf(object);
    const part = `${file}.part`;
    await mkdir(path.dirname(file), { recursive: true });
    // Whoever left something else than a file there, a link for example, does not say where bytes go.
    if (!((await lstat(part).catch(() => null))?.isFile() ?? true)) await rm(part, { recursive: true });
    await this.#download(remote, object, part, onBytes);
    await chmod(part, 0o444);
    await rename(part, file);
  }

  async #download(
    remote: ObjectStore,
    object: DvcObject,
    part: string,
    onBytes: (bytes: number) => void,
  ): Promise<void> {
    const key = keyOf(object);
    // A remainder of something else, or a broken line, is found by the md5 and fetched anew, once.
    for (const isLast of [false, true]) {
      const had = await sizeOf(part);
      if (had > 0 && (await isObject(part, object))) return;
      await receive(remote, object, part, onBytes).catch((cause) => {
        throw isCrosscheckError(cause, 'CROSSCHECK_STORAGE_NOT_FOUND') ? notInRemote(remote, key, cause) : cause;
      });
      if (await isObject(part, object)) return;
      await rm(part, { force: true });
      if (isLast || had === 0) break;
    }
    const message = `expected bytes with the md5 ${object.md5} at ${remote.url}/${key}, got others; the object is damaged: push it again with \`dvc push\``;
    throw new CrosscheckError('CROSSCHECK_DVC_MD5_MISMATCH', message);
  }
}

/** A line may break in the middle of a large object; as long as each try brings bytes, another one follows. */
async function receive(
  remote: ObjectStore,
  object: DvcObject,
  part: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const key = keyOf(object);
  const tooMany = () => tooLong(object, `${remote.url}/${key}`);
  for (;;) {
    const had = await sizeOf(part);
    try {
      const body = await remote.read(key, { from: had });
      const output = createWriteStream(part, { flags: body.from === 0 ? 'w' : 'a' });
      await pipeline(counted(body.chunks, { onBytes, left: object.maxBytes - body.from, tooMany }), output);
      return;
    } catch (error) {
      const isBroken = isCrosscheckError(error, 'CROSSCHECK_STORAGE_UNREACHABLE');
      if (!isBroken || (await sizeOf(part)) <= had) throw error;
    }
  }
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  { onBytes, left, tooMany }: { onBytes: (bytes: number) => void; left: number; tooMany: () => CrosscheckError },
) {
  let count = 0;
  for await (const chunk of chunks) {
    count += chunk.length;
    if (count > left) throw tooMany();
    onBytes(chunk.length);
    yield chunk;
  }
}

function tooLong({ md5, maxBytes }: DvcObject, place: string): CrosscheckError {
  const message = `expected at most ${maxBytes} bytes for the md5 ${md5}, found more at ${place}; correct the size in its .dvc file if it is wrong`;
  return new CrosscheckError('CROSSCHECK_DVC_TOO_LARGE', message);
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => null))?.size ?? 0;
}

function notInRemote(remote: ObjectStore, key: string, cause: unknown): CrosscheckError {
  const message = `expected ${key} in the remote ${remote.url}, found nothing; run \`dvc push\` where the data is, or name another remote with remote=NAME`;
  return new CrosscheckError('CROSSCHECK_DVC_NOT_IN_REMOTE', message, { cause });
}
