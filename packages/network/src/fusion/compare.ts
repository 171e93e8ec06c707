import { concat, distance, multiply } from '../layers/arithmetic.ts';
import type { Fusion } from './fusion.ts';

/**
 * What both say, how far apart it is and where it agrees: [v; t; |v − t|; v ∘ t], [B, 4E], as sentence pairs are compared (Conneau et al. 2017,
 * https://arxiv.org/abs/1705.02364). No parameters of its own; `fusion.0` gets wider.
 */
export const compare: Fusion = {
  of: 'vectors',
  join({ image, text }) {
    const path = 'fusion.compare';
    return concat(
      [image, text, distance(image, text, `${path}.distance`), multiply(image, text, `${path}.product`)],
      path,
    );
  },
};
