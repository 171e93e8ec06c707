// Inverted bottleneck (Sandler et al. 2018): widen, look around per channel, weigh the channels, narrow, add.
//
// Shapes: B samples, C input, E expanded, O output channels of a block, s its stride.
import type { tf } from '@crosscheck/tensorflow';
import type { VisionNetwork } from '../vision.ts';
import { visionPrefix } from '../weights/parameter-names.ts';
import { type VisionBlock, visionBlocks } from '../weights/vision-blocks.ts';
import { batchNorm, batchNormBackward, type KeptBatchNorm } from './batch-norm.ts';
import { type Convolution, denseConvolution, depthwiseConvolution, pointwiseConvolution } from './convolution.ts';
import { drawMask, drop, type Mask } from './dropout.ts';
import { add, consume, multiply, release, view } from './kernels.ts';
import { type KeptSqueeze, squeezeExcite, squeezeExciteBackward, weigh } from './squeeze-excite.ts';
import { type Unit, unit, unitAgain, unitBackward } from './unit.ts';
import type { Forward, Work } from './work.ts';

/** A block with its parts. */
export interface Block {
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
  /** Of the narrowing convolution and its norm, which has no SiLU. */
  narrowed: KeptBatchNorm;
  mask: Mask; // [B, 1, 1, 1]
}

/** A convolution `<stem>.0` and its norm `<stem>.1`. */
export function unitNamed(stem: string, epsilon: number, convolution: (name: string) => Convolution): Unit {
  return { convolution: convolution(`${stem}.0`), norm: { name: `${visionPrefix}${stem}.1`, epsilon } };
}

export function blocksOf(network: VisionNetwork): Block[] {
  const epsilon = network.batchNormEpsilon;
  return visionBlocks(network).map(({ names, stride, inputChannels, outputChannels }: VisionBlock, i, { length }) => ({
    widen: names.expand === null ? null : unitNamed(names.expand, epsilon, pointwiseConvolution),
    lookAround: unitNamed(names.depthwise, epsilon, (name) => depthwiseConvolution(name, stride)),
    squeezeExcite: `${visionPrefix}${names.squeezeExcite}`,
    narrow: unitNamed(names.project, epsilon, pointwiseConvolution),
    isResidual: stride === 1 && inputChannels === outputChannels,
    dropRate: (network.stochasticDepth * i) / length,
  }));
}

export const stemOf = (network: VisionNetwork): Unit =>
  unitNamed('features.0', network.batchNormEpsilon, (name) => denseConvolution(name, 2));

export const headOf = (network: VisionNetwork): Unit =>
  unitNamed(`features.${network.stages.length + 1}`, network.batchNormEpsilon, pointwiseConvolution);

/** x [B, H, W, C] → [B, H/s, W/s, O] */
export function block(work: Work, block: Block, x: tf.Tensor): Forward<KeptBlock> {
  const widened = block.widen ? unit(work, block.widen, x) : null; // y [B, H, W, E]
  const around = unit(work, block.lookAround, widened?.y ?? x); // y [B, H/s, W/s, E]
  widened?.y.dispose();
  const weighed = consume(around.y, (y) => squeezeExcite(work, block.squeezeExcite, y)); // y [B, H/s, W/s, E]
  const convolved = consume(weighed.y, (y) => block.narrow.convolution.forward(work, y)); // [B, H/s, W/s, O]
  const { y: narrow, kept: narrowed } = batchNorm(work, block.narrow.norm, convolved); // [B, H/s, W/s, O]
  const mask = drawSkips(work, block, narrow); // [B, 1, 1, 1]
  const y = block.isResidual ? consume(drop(narrow, mask), (branch) => add(branch, x)) : narrow; // [B, H/s, W/s, O]
  return { y, kept: { widened: widened?.kept ?? null, around: around.kept, squeeze: weighed.kept, narrowed, mask } };
}

/** dy [B, H/s, W/s, O] → dx [B, H, W, C] */
export function blockBackward(
  work: Work,
  block: Block,
  kept: KeptBlock,
  { x, dy }: { x: tf.Tensor; dy: tf.Tensor },
): tf.Tensor {
  const dBranch = kept.mask ? multiply(dy, kept.mask) : view(dy); // [B, H/s, W/s, O]
  const dAround = aroundGradient(work, block, kept, dBranch); // [B, H/s, W/s, E]
  const dConvolved = consume(dAround, (d) => unitBackward(work, block.lookAround, kept.around, d)); // [B, H/s, W/s, E]
  const dx = widenGradient(work, block, kept.widened, { x, dConvolved }); // [B, H, W, C]
  release(kept.mask);
  return block.isResidual ? consume(dx, () => add(dx, dy)) : dx;
}

/** From the narrow output back to what the depthwise unit has computed. Frees dBranch. */
function aroundGradient(work: Work, block: Block, kept: KeptBlock, dBranch: tf.Tensor): tf.Tensor {
  const dNarrow = consume(dBranch, (d) => batchNormBackward(work, block.narrow.norm, kept.narrowed, d));
  const y = unitAgain(work, block.lookAround, kept.around); // [B, H/s, W/s, E]
  const dWeighed = consume(weigh(y, kept.squeeze), (weighed) =>
    consume(dNarrow, () => block.narrow.convolution.backward(work, weighed, dNarrow)),
  ); // [B, H/s, W/s, E]
  return consume(y, () =>
    consume(dWeighed, (dy) => squeezeExciteBackward(work, block.squeezeExcite, kept.squeeze, { x: y, dy })),
  );
}

/** Through the depthwise convolution and the widening. Frees dConvolved. */
function widenGradient(
  work: Work,
  { widen, lookAround }: Block,
  widened: KeptBatchNorm | null,
  { x, dConvolved }: { x: tf.Tensor; dConvolved: tf.Tensor },
): tf.Tensor {
  const through = (input: tf.Tensor) => consume(dConvolved, (d) => lookAround.convolution.backward(work, input, d)); // [B, H, W, E]
  if (!(widen && widened)) return through(x);
  const dWide = consume(unitAgain(work, widen, widened), through); // [B, H, W, E]
  const dBefore = consume(dWide, (d) => unitBackward(work, widen, widened, d)); // [B, H, W, E]
  return consume(dBefore, (d) => widen.convolution.backward(work, x, d)); // [B, H, W, C]
}

function drawSkips(work: Work, { isResidual, dropRate, narrow }: Block, x: tf.Tensor): Mask {
  if (!isResidual) return null;
  const site = narrow.convolution.name.replace(/\.0$/, '');
  return drawMask(work, { shape: [x.shape[0] as number, 1, 1, 1], rate: dropRate, site });
}
