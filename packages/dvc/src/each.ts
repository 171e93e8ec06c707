import { throwIfStopped } from '@crosscheck/contract';

/** Runs `work` on every item, at most `width` at a time; the first failure stops the start of others and is thrown. */
export async function eachOf<T>(items: Iterable<T>, width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  let isStopped = false;
  const worker = async () => {
    for (let next = queue.next(); !next.done && !isStopped; next = queue.next()) {
      try {
        throwIfStopped();
        await work(next.value);
      } catch (error) {
        isStopped = true;
        throw error;
      }
    }
  };
  const done = await Promise.allSettled(Array.from({ length: width }, worker));
  const failed = done.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
