// Attention of packages/tensorflow/native: every text in its own length, nothing kept but the projected rows.
import { attribute, executeKernel, executeKernels, type tf } from '@crosscheck/tensorflow';
import { noiseKey } from '../layers/pass.ts';
import type { HeadAttention, Projected, TextLayer } from './attention.ts';
import { consume, release } from './kernels.ts';
import type { Work } from './work.ts';

const attributesOf = (work: Work, { network, packing }: TextLayer) => [
  attribute.int('heads', network.heads),
  attribute.int('length', packing.length),
  attribute.float('rate', work.training ? network.attentionDropout : 0),
];

/** Runs a kernel on the rows, where they stand, and the key of the dropout's mask. */
function withTexts<R>(work: Work, layer: TextLayer, rows: tf.Tensor[], run: (inputs: tf.Tensor[]) => R): R {
  const { places, rowBias } = layer.packing;
  return consume(noiseKey(work.seed, `${layer.name}.attention`), (key) => run([...rows, places, rowBias, key]));
}

export const ownHeads: HeadAttention = {
  forward(work, layer, rows) {
    const run = (inputs: tf.Tensor[]) => executeKernel('CrosscheckAttention', attributesOf(work, layer), inputs);
    return { y: withTexts(work, layer, [rows.query, rows.key, rows.value], run), kept: rows };
  },
  backward(work, layer, kept, dy) {
    const rows = kept as Projected;
    const run = (inputs: tf.Tensor[]) =>
      executeKernels('CrosscheckAttentionGradient', attributesOf(work, layer), inputs, 3);
    const gradients = withTexts(work, layer, [dy, rows.query, rows.key, rows.value], run);
    release(rows);
    const [query, key, value] = gradients as [tf.Tensor, tf.Tensor, tf.Tensor];
    return { query, key, value };
  },
};
