// EfficientNet-B0, as ../vision.ts describes it.
import type { tf } from '@crosscheck/tensorflow';
import type { VisionNetwork } from '../vision.ts';
import type { KeptBatchNorm } from './batch-norm.ts';
import { consume, release, scale } from './kernels.ts';
import { block, blockBackward, blocksOf, convolve, headOf, type KeptBlock, stemOf } from './mbconv.ts';
import type { Forward, Work } from './work.ts';

export interface KeptVision {
  stem: KeptBatchNorm;
  blocks: KeptBlock[];
  /** What each block has made of its input. */
  outputs: tf.Tensor[];
  head: KeptBatchNorm;
}

/** image [B, S, S, 3] → [B, 1280] */
export function encodeVision(work: Work, network: VisionNetwork, image: tf.Tensor): Forward<KeptVision> {
  const { norm } = work.kernels;
  const stem = convolve(work, stemOf(network), image); // [B, 112, 112, 32]
  const blocks: KeptBlock[] = [];
  const outputs: tf.Tensor[] = [];
  let x = norm.activate(work, stemOf(network).norm, stem); // [B, 112, 112, 32]
  if (work.isForwardOnly) release(stem);
  for (const part of blocksOf(network, work.kernels)) {
    const { y, kept } = block(work, part, x); // last: [B, 7, 7, 320]
    const isAgainComputed = outputs.length === 0; // the stem's output is
    if (work.isForwardOnly || isAgainComputed) x.dispose();
    if (work.isForwardOnly) release(kept);
    else {
      blocks.push(kept);
      outputs.push(y);
    }
    x = y;
  }
  const head = convolve(work, headOf(network), x); // [B, 7, 7, 1280]
  const y = norm.mapMeans(work, headOf(network).norm, head); // [B, 1280]
  if (work.isForwardOnly) release(x, head);
  return { y, kept: { stem, blocks, outputs, head } };
}

/** dy [B, 1280] */
export function encodeVisionBackward(
  work: Work,
  network: VisionNetwork,
  kept: KeptVision,
  { image, dy }: { image: tf.Tensor; dy: tf.Tensor },
): void {
  const { norm } = work.kernels;
  const stem = stemOf(network);
  const { blocks, outputs } = kept;
  let d = headBackward(work, network, kept, dy); // [B, 7, 7, 320]
  for (const part of blocksOf(network, work.kernels).reverse()) {
    (outputs.pop() as tf.Tensor).dispose();
    const keptBlock = blocks.pop() as KeptBlock;
    const x = outputs.at(-1);
    const back = (x: tf.Tensor) => consume(d, (dy) => blockBackward(work, part, keptBlock, { x, dy }));
    d = x ? back(x) : consume(norm.activate(work, stem.norm, kept.stem), back);
  }
  const dConvolved = consume(d, (dy) => norm.backward(work, stem.norm, kept.stem, { dy })); // [B, 112, 112, 32]
  stem.convolution.learn(work, image, dConvolved);
  dConvolved.dispose();
}

/** dy [B, 1280] → [B, 7, 7, 320] */
function headBackward(work: Work, network: VisionNetwork, { head, outputs }: KeptVision, dy: tf.Tensor): tf.Tensor {
  const { norm, convolution } = headOf(network);
  const [, H, W] = head.x.shape as [number, number, number, number];
  const each = scale(dy, 1 / (H * W)); // [B, 1280]
  const dConvolved = consume(each, () => work.kernels.norm.backward(work, norm, head, { dy: null, each })); // [B, 7, 7, 1280]
  return consume(dConvolved, (d) => convolution.backward(work, outputs.at(-1) as tf.Tensor, d));
}
