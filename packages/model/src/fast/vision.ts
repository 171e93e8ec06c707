// EfficientNet-B0, as ../vision.ts describes it.
import type { tf } from '@crosscheck/tensorflow';
import type { VisionNetwork } from '../vision.ts';
import type { KeptBatchNorm } from './batch-norm.ts';
import { consume, mapMean, mapMeanBackward, release } from './kernels.ts';
import { block, blockBackward, blocksOf, headOf, type KeptBlock, stemOf } from './mbconv.ts';
import { unit, unitAgain, unitBackward } from './unit.ts';
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
  const stem = unit(work, stemOf(network), image); // y [B, 112, 112, 32]
  if (work.isForwardOnly) release(stem.kept);
  const blocks: KeptBlock[] = [];
  const outputs: tf.Tensor[] = [];
  let x = stem.y;
  for (const part of blocksOf(network)) {
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
  const head = unit(work, headOf(network), x); // y [B, 7, 7, 1280]
  if (work.isForwardOnly) release(x, head.kept);
  return { y: consume(head.y, mapMean), kept: { stem: stem.kept, blocks, outputs, head: head.kept } };
}

/** dy [B, 1280] */
export function encodeVisionBackward(
  work: Work,
  network: VisionNetwork,
  kept: KeptVision,
  { image, dy }: { image: tf.Tensor; dy: tf.Tensor },
): void {
  const { blocks, outputs } = kept;
  let d = headBackward(work, network, kept, dy); // [B, 7, 7, 320]
  for (const part of blocksOf(network).reverse()) {
    (outputs.pop() as tf.Tensor).dispose();
    const keptBlock = blocks.pop() as KeptBlock;
    const x = outputs.at(-1);
    const back = (x: tf.Tensor) => consume(d, (dy) => blockBackward(work, part, keptBlock, { x, dy }));
    d = x ? back(x) : consume(unitAgain(work, stemOf(network), kept.stem), back);
  }
  const stem = stemOf(network);
  const dConvolved = consume(d, (dy) => unitBackward(work, stem, kept.stem, dy)); // [B, 112, 112, 32]
  stem.convolution.learn(work, image, dConvolved);
  dConvolved.dispose();
}

/** dy [B, 1280] → [B, 7, 7, 320] */
function headBackward(
  work: Work,
  network: VisionNetwork,
  { head: kept, outputs }: KeptVision,
  dy: tf.Tensor,
): tf.Tensor {
  const head = headOf(network);
  const dMap = mapMeanBackward(dy, kept.x.shape); // [B, 7, 7, 1280]
  const dConvolved = consume(dMap, (d) => unitBackward(work, head, kept, d)); // [B, 7, 7, 1280]
  return consume(dConvolved, (d) => head.convolution.backward(work, outputs.at(-1) as tf.Tensor, d));
}
