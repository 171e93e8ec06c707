import type { Architecture } from '@crosscheck/contract';
import type { Value } from '../graph/value.ts';
import { bilinear } from './bilinear.ts';
import { compare } from './compare.ts';
import { sideBySide } from './concat.ts';
import { coAttention } from './cross-attention.ts';
import { gated } from './gated.ts';

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

/** One file each. */
export const fusions: Record<Architecture['fusion'], Fusion> = {
  concat: sideBySide,
  gated,
  bilinear,
  cross_attention: coAttention,
  compare,
};
