import { stage, type Value } from '../graph/value.ts';
import { activation } from '../layers/activation.ts';
import { add, complement, concat, multiply } from '../layers/arithmetic.ts';
import { linear, widthOf } from '../layers/linear.ts';
import type { Fusion } from './fusion.ts';

/**
 * Gated multimodal unit (Arevalo et al. 2017, https://arxiv.org/abs/1702.01992): z = σ(W [v; t]) weighs, feature by feature, what each part
 * says: z · tanh(Wv v) + (1 − z) · tanh(Wt t), [B, E]. Linears have a bias here.
 */
export const gated: Fusion = {
  of: 'vectors',
  join({ image, text }) {
    const path = 'fusion.gated';
    const layer = (part: string, x: Value) => {
      const name = `${path}.${part}`;
      return stage(name, linear(x, { name, path: name, outputs: widthOf(image.shape) }));
    };
    const says = (part: string, x: Value) => activation(layer(part, x), { function: 'tanh', path: `${path}.${part}` });
    const [fromImage, fromText] = [says('image', image), says('text', text)]; // [B, E] each
    const balance = activation(layer('balance', concat([image, text], path)), { function: 'sigmoid', path }); // [B, E]
    return add(
      multiply(balance, fromImage, `${path}.image`),
      multiply(complement(balance, path), fromText, `${path}.text`),
      path,
    );
  },
};
