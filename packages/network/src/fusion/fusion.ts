import type { Value } from '../graph/value.ts';

/** Both parts of every post, projected to the same width E. */
export interface Parts {
  image: Value; // [B, E] or [B, R, E]
  text: Value; // [B, E] or [B, L, E]
}

/** A way in which image and text become one vector, which the classifier reads: `model.fusion`. */
export interface Fusion {
  /** What it looks at: one vector for each part, or one for every region and every token. */
  of: 'vectors' | 'sequences';
  /** @returns [B, any width] */
  join(parts: Parts): Value;
}
