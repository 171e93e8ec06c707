/** Things that were made of late, by name. */
export interface Recent<T> {
  (name: string, make: () => T): T;
  /** Bytes of what is kept now. */
  bytes(): number;
}

/** What caches of this package may hold, each in every thread. */
export const recentBytes = 8 * 2 ** 20;

/**
 * Makes things by name and keeps those of late: pictures of a data set or of a camera need the same tables again and again. What was kept for
 * longest goes first.
 *
 * @param bytesOf what a thing takes; one that alone is above the limit is not kept
 */
export function keepRecent<T>(bytesOf: (made: T) => number, maxBytes: number = recentBytes): Recent<T> {
  const kept = new Map<string, { made: T; bytes: number }>();
  let total = 0;
  const drop = (name: string, bytes: number) => {
    kept.delete(name);
    total -= bytes;
  };
  const find = (name: string, make: () => T) => {
    const known = kept.get(name);
    if (known) return known.made;
    const made = make();
    const bytes = 2 * name.length + bytesOf(made);
    if (bytes > maxBytes) return made;
    for (const [oldest, each] of kept) {
      if (total + bytes <= maxBytes) break;
      drop(oldest, each.bytes);
    }
    kept.set(name, { made, bytes });
    total += bytes;
    return made;
  };
  return Object.assign(find, { bytes: () => total });
}
