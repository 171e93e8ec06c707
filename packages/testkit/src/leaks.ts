interface MemoryCounter {
  memory(): { numTensors: number };
}

/** Runs `body` and throws when it leaves more (or fewer) tensors alive than `expected`. */
export async function expectNoLeak(tf: MemoryCounter, body: () => unknown, expected = 0): Promise<void> {
  const before = tf.memory().numTensors;
  await body();
  const leaked = tf.memory().numTensors - before;
  if (leaked !== expected) throw new Error(`expected ${expected} new tensors, ${leaked} are alive`);
}
