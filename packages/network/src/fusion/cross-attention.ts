import { fusionHeads } from '@crosscheck/contract';
import { stage, type Value } from '../graph/value.ts';
import { add, concat, mean } from '../layers/arithmetic.ts';
import { crossAttention } from '../layers/cross-attention.ts';
import { layerNorm } from '../layers/layer-norm.ts';
import { firstRow } from '../layers/tokens.ts';
import type { Fusion } from './fusion.ts';

const epsilon = 1e-5;

/**
 * Co-attention (ViLBERT: Lu et al. 2019, https://arxiv.org/abs/1908.02265), one layer and no feed-forward: every region of the image looks at the
 * tokens, every token at the regions; the mean of the regions and [CLS] stand side by side, [B, 2E].
 */
export const coAttention: Fusion = {
  of: 'sequences',
  join({ image, text }) {
    const path = 'fusion.cross_attention';
    /** norm(queries + attention(queries, context)), post-norm as in BERT. */
    const attend = (part: 'image' | 'text', queries: Value, context: Value) => {
      const name = `${path}.${part}`;
      const attended = crossAttention(queries, context, { name, heads: fusionHeads, isMasked: part === 'image' });
      const sum = add(attended, queries, `${name}.residual`);
      return stage(name, layerNorm(sum, { name: `${name}.norm`, path: name, epsilon }));
    };
    const regions = attend('image', image, text); // [B, R, E]
    const tokens = attend('text', text, image); // [B, L, E]
    return concat([mean(regions, `${path}.image`), firstRow(tokens, `${path}.text`)], 'fusion');
  },
};
