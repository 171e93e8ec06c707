/** Something that waits for a place in a batch. */
export interface Sized {
  /** Tokens of the text. */
  readonly tokens: number;
}

/** A post may share a batch with one that differs by this many tokens, or by this share of them, whichever is more. */
const lengthSlack = { tokens: 4, share: 0.15 };

/**
 * Takes up to `limit` items out of a waiting line: the one that waits longest, and those nearest to it in length, because every row of
 * a batch is padded to its longest (0.7 ms per token of fp32 text on one core, while a batch costs 5 ms whatever it holds). Nobody is overtaken for ever: the oldest always goes.
 */
export function pickBatch<T extends Sized>(waiting: T[], limit: number): T[] {
  const [oldest] = waiting;
  if (!oldest) return [];
  const slack = Math.max(lengthSlack.tokens, oldest.tokens * lengthSlack.share);
  const distance = (item: T) => Math.abs(item.tokens - oldest.tokens);
  const chosen = new Set(
    waiting
      .filter((item) => distance(item) <= slack)
      .sort((a, b) => distance(a) - distance(b))
      .slice(0, limit),
  );
  const batch = waiting.filter((item) => chosen.has(item));
  waiting.splice(0, waiting.length, ...waiting.filter((item) => !chosen.has(item)));
  return batch;
}
