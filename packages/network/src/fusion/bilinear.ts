import { stage, type Value } from '../graph/value.ts';
import { activation } from '../layers/activation.ts';
import { multiply } from '../layers/arithmetic.ts';
import { linear, widthOf } from '../layers/linear.ts';
import type { Fusion } from './fusion.ts';

/**
 * Low-rank bilinear pooling (Kim et al. 2017, https://arxiv.org/abs/1610.04325): tanh(Wv v) ∘ tanh(Wt t), [B, E]: every product of a feature of
 * the one with one of the other at rank E. The linear that the paper puts behind is `fusion.0`.
 */
export const bilinear: Fusion = {
  of: 'vectors',
  join({ image, text }) {
    const squashed = (part: string, x: Value) => {
      const name = `fusion.bilinear.${part}`;
      const projected = stage(name, linear(x, { name, path: name, outputs: widthOf(x.shape) }));
      return activation(projected, { function: 'tanh', path: name });
    };
    return multiply(squashed('image', image), squashed('text', text), 'fusion.bilinear');
  },
};
