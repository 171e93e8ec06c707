/** Objects under one address: a folder, a path of an HTTP server, a prefix of a bucket. Keys have `/` between their parts. */
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
  /** The same for an object of any size, in constant memory. It appears when the last chunk is there, and not at all after an error. */
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
