// Attention of packages/tensorflow/native: every text in its own length, nothing kept but the projected rows.
import type { Attention, AttentionRows } from '@crosscheck/network';
import { attribute, executeKernel, executeKernels, type tf } from '@crosscheck/tensorflow';
import type { Packing } from '../packing.ts';
import { noiseKey } from '../pass.ts';
import { consume } from './kernels.ts';
import type { HeadAttention, Work } from './work.ts';

const attributesOf = (work: Work, { length }: Packing, { heads, rate }: Attention) => [
  attribute.int('heads', heads),
  attribute.int('length', length),
  attribute.float('rate', work.training ? rate : 0),
];

/** Runs a kernel on the rows, where they stand, and the key of the dropout's mask. */
function withTexts<R>(
  work: Work,
  { places, rowBias }: Packing,
  { site, rows }: { site: string; rows: tf.Tensor[] },
  run: (inputs: tf.Tensor[]) => R,
): R {
  return consume(noiseKey(work.seed, site), (key) => run([...rows, places, rowBias, key]));
}

const listed = ({ query, key, value }: AttentionRows) => [query, key, value] as tf.Tensor[];

export const ownHeads: HeadAttention = {
  forward(work, tokens, options, rows) {
    const run = (inputs: tf.Tensor[]) =>
      executeKernel('CrosscheckAttention', attributesOf(work, tokens, options), inputs);
    return { y: withTexts(work, tokens, { site: options.site, rows: listed(rows) }, run), kept: rows };
  },
  backward(work, tokens, { options, kept, dy }) {
    const run = (inputs: tf.Tensor[]) =>
      executeKernels('CrosscheckAttentionGradient', attributesOf(work, tokens, options), inputs, 3);
    const rows = [dy, ...listed(kept as AttentionRows)];
    const gradients = withTexts(work, tokens, { site: options.site, rows }, run);
    const [query, key, value] = gradients as [tf.Tensor, tf.Tensor, tf.Tensor];
    return { query, key, value };
  },
};
