// Inverted bottleneck (Sandler et al. 2018): widen, look around per channel, weigh the channels, narrow, add.
//
// Shapes: B samples, C input, E expanded, O output channels of a block, s its stride.

import { type VisionBlock, visionBlocks, visionPrefix } from '@crosscheck/network';
import type { tf } from '@crosscheck/tensorflow';
import type { VisionNetwork } from '../vision.ts';
import { type BatchNorm, batchNorm, batchNormBackward, type KeptBatchNorm } from './batch-norm.ts';
import { type Convolution, denseConvolution, pointwiseConvolution } from './convolution.ts';
import { drawMask, drop, type Mask } from './dropout.ts';
import { add, consume, multiply, release, scale, view } from './kernels.ts';
import { type KeptSqueeze, squeezeExcite, squeezeExciteBackward } from './squeeze-excite.ts';
import type { Forward, KernelSet, Work } from './work.ts';

/** A convolution with its batch norm, and in all but the narrowing one SiLU behind it. */
export interface Unit {
  convolution: Convolution;
  norm: BatchNorm;
}

/** A block with its parts. */
export interface Block {
  /** What the names of all its parameters start with. */
  prefix: string;
  widen: Unit | null;
  lookAround: Unit;
  squeezeExcite: string;
  narrow: Unit;
  isResidual: boolean;
  /** Probability that a sample skips the block. */
  dropRate: number;
}

export interface KeptBlock {
  widened: KeptBatchNorm | null;
  around: KeptBatchNorm;
  squeeze: KeptSqueeze;
  narrowed: KeptBatchNorm;
  mask: Mask; // [B, 1, 1, 1]
}

/** A convolution `<stem>.0` and its norm `<stem>.1`. */
export function unitNamed(stem: string, epsilon: number, convolution: (name: string) => Convolution): Unit {
  return { convolution: convolution(`${stem}.0`), norm: { name: `${visionPrefix}${stem}.1`, epsilon } };
}

export function blocksOf(network: VisionNetwork, kernels: KernelSet): Block[] {
  const epsilon = network.batchNormEpsilon;
  return visionBlocks(network).map(({ names, stride, ...of }: VisionBlock, i, { length }) => ({
    prefix: `${visionPrefix}features.${of.stage + 1}.${of.repeat}.`,
    widen: names.expand === null ? null : unitNamed(names.expand, epsilon, pointwiseConvolution),
    lookAround: unitNamed(names.depthwise, epsilon, (name) => kernels.depthwise(name, stride)),
    squeezeExcite: `${visionPrefix}${names.squeezeExcite}`,
    narrow: unitNamed(names.project, epsilon, pointwiseConvolution),
    isResidual: stride === 1 && of.inputChannels === of.outputChannels,
    dropRate: (network.stochasticDepth * i) / length,
  }));
}

export const stemOf = (network: VisionNetwork): Unit =>
  unitNamed('features.0', network.batchNormEpsilon, (name) => denseConvolution(name, 2));

export const headOf = (network: VisionNetwork): Unit =>
  unitNamed(`features.${network.stages.length + 1}`, network.batchNormEpsilon, pointwiseConvolution);

/** A unit's convolution and its statistics; its output is computed from them by the pass's `norm`. */
export const convolve = (work: Work, { convolution, norm }: Unit, x: tf.Tensor): KeptBatchNorm =>
  work.kernels.norm.normalise(work, norm, convolution.forward(work, x));

/** x [B, H, W, C] → [B, H/s, W/s, O] */
export function block(work: Work, block: Block, x: tf.Tensor): Forward<KeptBlock> {
  const { norm } = work.kernels;
  const { widen, lookAround, narrow } = block;
  const widened = widen && convolve(work, widen, x); // [B, H, W, E]
  const around = consume(wideInput(work, widen, widened, x), (wide) => convolve(work, lookAround, wide)); // [B, H/s, W/s, E]
  const squeeze = squeezeExcite(work, block.squeezeExcite, norm.mapMeans(work, lookAround.norm, around));
  const weighed = norm.activate(work, lookAround.norm, around, squeeze.mapWeights); // [B, H/s, W/s, E]
  const convolved = consume(weighed, () => narrow.convolution.forward(work, weighed)); // [B, H/s, W/s, O]
  const { y: branch, kept: narrowed } = batchNorm(work, narrow.norm, convolved); // [B, H/s, W/s, O]
  const mask = drawSkips(work, block, branch); // [B, 1, 1, 1]
  const y = block.isResidual ? consume(drop(branch, mask), (kept) => add(kept, x)) : branch; // [B, H/s, W/s, O]
  return { y, kept: { widened, around, squeeze, narrowed, mask } };
}

/** What the depthwise convolution reads, to be freed: the widened maps, or the block's input. */
const wideInput = (work: Work, widen: Unit | null, widened: KeptBatchNorm | null, x: tf.Tensor) =>
  widen && widened ? work.kernels.norm.activate(work, widen.norm, widened) : view(x); // [B, H, W, E]

/** dy [B, H/s, W/s, O] → dx [B, H, W, C] */
export function blockBackward(
  work: Work,
  block: Block,
  kept: KeptBlock,
  { x, dy }: { x: tf.Tensor; dy: tf.Tensor },
): tf.Tensor {
  const { widen, lookAround } = block;
  const dBranch = kept.mask ? multiply(dy, kept.mask) : view(dy); // [B, H/s, W/s, O]
  const dAround = aroundGradient(work, block, kept, dBranch); // [B, H/s, W/s, E]
  const dWide = consume(wideInput(work, widen, kept.widened, x), (wide) =>
    consume(dAround, () => lookAround.convolution.backward(work, wide, dAround)),
  ); // [B, H, W, E]
  const dx = widen && kept.widened ? widenGradient(work, widen, kept.widened, { x, dWide }) : dWide; // [B, H, W, C]
  release(kept.mask);
  return block.isResidual ? consume(dx, () => add(dx, dy)) : dx;
}

/** From the block's output back to what the depthwise convolution has computed. Frees dBranch. */
function aroundGradient(work: Work, block: Block, kept: KeptBlock, dBranch: tf.Tensor): tf.Tensor {
  const { norm } = work.kernels;
  const { lookAround, narrow } = block;
  const { around, squeeze } = kept;
  const [, H, W] = around.x.shape as [number, number, number, number];
  const dNarrow = consume(dBranch, (d) => batchNormBackward(work, narrow.norm, kept.narrowed, d)); // [B, H/s, W/s, O]
  const dWeighed = consume(norm.activate(work, lookAround.norm, around, squeeze.mapWeights), (weighed) =>
    consume(dNarrow, () => narrow.convolution.backward(work, weighed, dNarrow)),
  ); // [B, H/s, W/s, E]
  const dWeights = norm.mapProducts(work, lookAround.norm, around, dWeighed); // [B, E]
  const mapWeights = view(squeeze.mapWeights); // [B, E]
  const dMeans = consume(dWeights, (d) => squeezeExciteBackward(work, block.squeezeExcite, squeeze, d)); // [B, E]
  const each = consume(dMeans, (d) => scale(d, 1 / (H * W))); // [B, E]
  const dAround = norm.backward(work, lookAround.norm, around, { dy: dWeighed, mapWeights, each });
  release(dWeighed, mapWeights, each);
  return dAround;
}

/** Frees dWide. */
function widenGradient(
  work: Work,
  { norm, convolution }: Unit,
  widened: KeptBatchNorm,
  { x, dWide }: { x: tf.Tensor; dWide: tf.Tensor },
): tf.Tensor {
  const dConvolved = consume(dWide, (dy) => work.kernels.norm.backward(work, norm, widened, { dy })); // [B, H, W, E]
  return consume(dConvolved, (d) => convolution.backward(work, x, d)); // [B, H, W, C]
}

function drawSkips(work: Work, { isResidual, dropRate, narrow }: Block, x: tf.Tensor): Mask {
  if (!isResidual) return null;
  const site = narrow.convolution.name.replace(/\.0$/, '');
  return drawMask(work, { shape: [x.shape[0] as number, 1, 1, 1], rate: dropRate, site });
}
