// EfficientNet-B0, as ../vision.ts describes it.

import { visionPrefix } from '@crosscheck/network';
import type { tf } from '@crosscheck/tensorflow';
import type { VisionNetwork } from '../vision.ts';
import type { KeptBatchNorm } from './batch-norm.ts';
import { consume, release, scale } from './kernels.ts';
import { type Block, block, blockBackward, blocksOf, convolve, headOf, type KeptBlock, stemOf } from './mbconv.ts';
import type { Forward, Work } from './work.ts';

/** What the way back needs, from the first part on whose parameters learn. */
export interface KeptVision {
  /** Null where its filter does not learn. */
  stem: KeptBatchNorm | null;
  blocks: { part: Block; x: tf.Tensor; kept: KeptBlock }[];
  head: { x: tf.Tensor; kept: KeptBatchNorm } | null;
}

/** image [B, S, S, 3] → [B, 1280] */
export function encodeVision(work: Work, network: VisionNetwork, image: tf.Tensor): Forward<KeptVision> {
  const { norm } = work.kernels;
  const stem = convolve(work, stemOf(network), image); // [B, 112, 112, 32]
  let x = norm.activate(work, stemOf(network).norm, stem); // [B, 112, 112, 32]
  let learns = work.learns(`${visionPrefix}features.0.`);
  const kept: KeptVision = { stem: learns ? stem : null, blocks: [], head: null };
  if (!learns) release(stem);
  for (const part of blocksOf(network, work.kernels)) {
    learns ||= work.learns(part.prefix);
    const { y, kept: keptBlock } = block(work, part, x); // last: [B, 7, 7, 320]
    if (learns) kept.blocks.push({ part, x, kept: keptBlock });
    else release(x, keptBlock);
    x = y;
  }
  learns ||= work.learns(visionPrefix);
  const head = convolve(work, headOf(network), x); // [B, 7, 7, 1280]
  const y = norm.mapMeans(work, headOf(network).norm, head); // [B, 1280]
  if (learns) kept.head = { x, kept: head };
  else release(x, head);
  return { y, kept };
}

/** dy [B, 1280] */
export function encodeVisionBackward(
  work: Work,
  network: VisionNetwork,
  { stem, blocks, head }: KeptVision,
  { image, dy }: { image: tf.Tensor; dy: tf.Tensor },
): void {
  if (!head) return;
  let d = headBackward(work, network, head, dy); // [B, 7, 7, 320]
  head.x.dispose();
  for (let last = blocks.pop(); last; last = blocks.pop()) {
    const { part, x, kept } = last;
    d = consume(x, () => consume(d, (dy) => blockBackward(work, part, kept, { x, dy })));
  }
  if (stem) d = consume(d, (dy) => work.kernels.norm.backward(work, stemOf(network).norm, stem, { dy })); // [B, 112, 112, 32]
  if (stem) stemOf(network).convolution.learn(work, image, d);
  d.dispose();
}

/** dy [B, 1280] → [B, 7, 7, 320] */
function headBackward(
  work: Work,
  network: VisionNetwork,
  { x, kept }: NonNullable<KeptVision['head']>,
  dy: tf.Tensor,
): tf.Tensor {
  const { norm, convolution } = headOf(network);
  const [, H, W] = kept.x.shape as [number, number, number, number];
  const each = scale(dy, 1 / (H * W)); // [B, 1280]
  const dConvolved = consume(each, () => work.kernels.norm.backward(work, norm, kept, { dy: null, each })); // [B, 7, 7, 1280]
  return consume(dConvolved, (d) => convolution.backward(work, x, d));
}
