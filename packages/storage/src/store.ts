import { CrosscheckError } from '@crosscheck/contract';

/**
 * Objects under one address: a folder, a path of an HTTP server, a prefix of a bucket. Keys have `/` between their parts and never lead out of it.
 *
 * @throws CROSSCHECK_STORAGE_BAD_KEY from every method that takes a key
 */
export interface ObjectStore {
  /** As users write it, for messages. */
  readonly url: string;
  /**
   * @throws CROSSCHECK_STORAGE_NOT_FOUND, CROSSCHECK_STORAGE_DENIED, CROSSCHECK_STORAGE_UNREACHABLE
   */
  read(key: string, options?: ReadOptions): Promise<ObjectBody>;
  exists(key: string): Promise<boolean>;
  /**
   * Every key below a folder (`''` = all), by Unicode code points.
   *
   * @throws CROSSCHECK_STORAGE_NO_LISTING where the store has none
   */
  list(folder: string): Promise<string[]>;
  /**
   * Writes an object at once: readers see the old bytes or the new ones.
   *
   * @returns false when `onlyIfAbsent` found an object there, which then stays as it is
   * @throws CROSSCHECK_STORAGE_READ_ONLY, CROSSCHECK_STORAGE_DENIED, CROSSCHECK_STORAGE_WRITE_FAILED
   */
  write(key: string, bytes: Uint8Array, options?: WriteOptions): Promise<boolean>;
  /**
   * Deletes an object; one that is not there is gone already.
   *
   * @throws CROSSCHECK_STORAGE_READ_ONLY, CROSSCHECK_STORAGE_DENIED, CROSSCHECK_STORAGE_WRITE_FAILED
   */
  remove(key: string): Promise<void>;
  /** As `write` does, an object of any size, in constant memory. It appears when the last chunk is there, and not at all after an error. */
  writeStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

export interface ReadOptions {
  /** First byte that is wanted. @default 0 */
  from?: number;
}

export interface WriteOptions {
  /** @default false */
  onlyIfAbsent?: boolean;
}

export interface ObjectBody {
  chunks: AsyncIterable<Uint8Array>;
  /** Where the chunks begin: what was asked for, or 0 from a server that knows no ranges. */
  from: number;
}

/**
 * The parts of a key, none of which leads out of the store: `..` would, in folders as in addresses.
 *
 * @param key `''` = the store itself, for listings
 * @throws CROSSCHECK_STORAGE_BAD_KEY
 */
export function partsOfKey(url: string, key: string): string[] {
  const odd = /^[\\/]|^[a-z]:[\\/]|\0/i.test(key) || key.split(/[\\/]/).some((part) => part === '.' || part === '..');
  if (!odd) return key.split('/');
  const message = `expected the name of an object below ${url}, such as images/1.jpg, got ${JSON.stringify(key)}; it may not begin with a slash or a drive, nor hold ., .. or NUL between its slashes`;
  throw new CrosscheckError('CROSSCHECK_STORAGE_BAD_KEY', message);
}

/** All bytes of an object. */
export async function readAll(store: ObjectStore, key: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await store.read(key)).chunks) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Sorts in place as Python sorts text: by code points, where JavaScript's own order goes by UTF-16 units. */
export function sortByCodePoints(keys: string[]): string[] {
  return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
