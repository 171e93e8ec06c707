/** How image and text become one vector: `model.fusion`. `packages/network` has a file for each. */
export const fusions = {
  concat: { tag: 'concatenation', words: 'fused late' },
  gated: { tag: 'gated', words: 'fused late by a gated multimodal unit' },
  bilinear: { tag: 'bilinear', words: 'fused late by low-rank bilinear pooling' },
  cross_attention: { tag: 'cross_attention', words: 'fused by cross-attention between regions and tokens' },
  compare: { tag: 'compare', words: 'compared late by difference and product' },
} as const satisfies Record<string, { tag: string; words: string }>;

export type FusionName = keyof typeof fusions;

export const fusionNames = Object.keys(fusions) as [FusionName, ...FusionName[]];
