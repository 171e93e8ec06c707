import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';

/**
 * Writes a file that readers see whole or not at all: under a name of its own first, so that two writers never share one, then renamed.
 *
 * @param write gets that name
 */
export async function replaceFile(target: string, write: (partial: string) => Promise<unknown>): Promise<void> {
  const partial = `${target}.${randomUUID().slice(0, 8)}.part`;
  try {
    await write(partial);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** At most `limit` items at once, in their order. After the first error no other begins; it is thrown when those under way have ended. */
export async function forEachConcurrently<T>(
  items: readonly T[],
  limit: number,
  act: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const entries = items.entries();
  const errors: unknown[] = [];
  const lane = async () => {
    for (const [index, item] of entries) {
      if (errors.length > 0) return;
      await act(item, index).catch((error: unknown) => errors.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (errors.length > 0) throw errors[0];
}
