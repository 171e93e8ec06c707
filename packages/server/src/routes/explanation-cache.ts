import { createHash } from 'node:crypto';
import type { Explanation, Post } from '@crosscheck/inference';

/** Of a long text an explanation takes some 50 kB. */
const mostKept = 256;

/** Explanations of late by the content of their posts: a page that is opened twice costs a hundred verdicts once. */
export class ExplanationCache {
  /** Answered from here since the start. */
  hits = 0;
  readonly #keepMs: number;
  /** The oldest first. */
  readonly #kept = new Map<string, { explanation: Explanation; until: number }>();

  constructor(keepSeconds: number) {
    this.#keepMs = 1000 * keepSeconds;
  }

  /** @param work makes it where there is none; a failure is not kept */
  async find(post: Post & { image: Uint8Array | null }, work: () => Promise<Explanation>): Promise<Explanation> {
    if (this.#keepMs === 0) return work();
    const key = keyOf(post);
    this.#dropOld();
    const known = this.#kept.get(key);
    if (known) {
      this.hits++;
      return known.explanation;
    }
    const explanation = await work();
    this.#kept.delete(key);
    this.#kept.set(key, { explanation, until: performance.now() + this.#keepMs });
    return explanation;
  }

  #dropOld(): void {
    const now = performance.now();
    for (const [key, { until }] of this.#kept) {
      if (until > now && this.#kept.size <= mostKept) return;
      this.#kept.delete(key);
    }
  }
}

function keyOf({ text, image }: Post & { image: Uint8Array | null }): string {
  const hash = createHash('sha256').update(`${image?.length ?? 'none'}\n`);
  return hash
    .update(image ?? '')
    .update(text)
    .digest('base64');
}
