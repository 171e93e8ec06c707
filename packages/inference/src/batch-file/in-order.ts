/**
 * Runs `work` on up to `width` items at a time and yields the results in the items' order. Items are pulled only as room appears, so memory
 * stays constant however long the input is.
 */
export async function* mapInOrder<T, R>(
  items: AsyncIterable<T>,
  width: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  try {
    for await (const item of items) {
      running.push(started(work(item)));
      if (running.length >= width) yield await (running.shift() as Promise<R>);
    }
    while (running.length > 0) yield await (running.shift() as Promise<R>);
  } finally {
    await Promise.allSettled(running);
  }
}

/** A failure is reported when its turn comes, not as an unhandled rejection before. */
function started<R>(promise: Promise<R>): Promise<R> {
  promise.catch(() => {});
  return promise;
}
