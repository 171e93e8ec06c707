// EfficientNet (Tan and Le 2019, https://arxiv.org/abs/1905.11946), with the names of torchvision's implementation:
// https://github.com/pytorch/vision/blob/main/torchvision/models/efficientnet.py. Its tables are in efficientnet-variants.ts.
//
// Shapes: B samples, S pixels per side (224), C input, E expanded, O output channels of a block; maps of B0 at the ends of lines.
import type { MbConvStage, VisionArchitecture } from '@crosscheck/contract';
import { stage, type Value } from './graph/value.ts';
import { activation } from './layers/activation.ts';
import { add } from './layers/arithmetic.ts';
import { batchNorm } from './layers/batch-norm.ts';
import { convolution, depthwiseConvolution } from './layers/convolution.ts';
import { stochasticDepth } from './layers/dropout.ts';
import { widthOf } from './layers/linear.ts';
import { squeezeExcite } from './layers/squeeze-excite.ts';

export const visionPrefix = 'vision_branch.backbone.';

export interface VisionNetwork extends VisionArchitecture {
  /** Probability of dropping the last block's branch in training; earlier blocks get proportionally less. */
  stochasticDepth: number;
}

/** Images [B, S, S, 3], normalised → maps of features, [B, S/32, S/32, 1280]. */
export function efficientNet(image: Value, network: VisionNetwork): Value {
  const { stages, stemChannels, headChannels } = network;
  const module = (index: number) => ({ name: `features.${index}`, path: `vision/features.${index}` });
  const blocks = stages.reduce((sum, { repeats }) => sum + repeats, 0);
  let x = stage(
    visionPrefix + 'features.0',
    unit(network, image, { ...module(0), kernel: 3, stride: 2, channels: stemChannels }),
  ); // [B, 112, 112, 32]
  let block = 0;
  for (const [s, row] of stages.entries()) {
    for (let repeat = 0; repeat < row.repeats; repeat++) {
      const dropRate = (network.stochasticDepth * block++) / blocks;
      const name = `features.${s + 1}.${repeat}`;
      x = stage(visionPrefix + name, mbConv(network, x, { ...row, name, isFirst: repeat === 0, dropRate })); // at last [B, 7, 7, 320]
    }
  }
  const head = module(stages.length + 1);
  return stage(visionPrefix + head.name, unit(network, x, { ...head, kernel: 1, stride: 1, channels: headChannels })); // [B, 7, 7, 1280]
}

interface Block extends MbConvStage {
  name: string;
  /** Of its stage: only there the stride and the channels change. */
  isFirst: boolean;
  dropRate: number;
}

/** Inverted bottleneck (Sandler et al. 2018): expand, depthwise, squeeze-and-excite, project; a residual where nothing changes its shape. */
function mbConv(network: VisionNetwork, x: Value, block: Block): Value {
  const { expand, channels, kernel } = block;
  const stride = block.isFirst ? block.stride : 1;
  const path = `vision/${block.name}`;
  const input = widthOf(x.shape);
  let place = 0;
  const module = () => `${block.name}.block.${place++}`;
  let y = x;
  if (expand !== 1) {
    const wide = { name: module(), path: `${path}/expand`, kernel: 1, stride: 1, channels: expand * input };
    y = unit(network, y, wide); // [B, H, W, E]
  }
  y = unit(network, y, { name: module(), path: `${path}/depthwise`, kernel, stride, channels: 'each' }); // [B, H/s, W/s, E]
  if (network.squeezeExcite) {
    const squeezed = Math.max(1, Math.floor(input / 4));
    const name = visionPrefix + module();
    y = squeezeExcite(y, { name, path: `${path}/squeeze`, squeezed, activation: network.activation }); // [B, H/s, W/s, E]
  }
  const project = { name: module(), path: `${path}/project`, kernel: 1, stride: 1, channels };
  y = normalised(network, y, project); // [B, H/s, W/s, O]
  if (stride !== 1 || channels !== input) return y;
  return add(stochasticDepth(y, { rate: block.dropRate, site: project.name }), x, `${path}/residual`);
}

interface Unit {
  /** Of its convolution `<name>.0` and batch norm `<name>.1`. */
  name: string;
  path: string;
  kernel: number;
  stride: number;
  /** `each`: one filter for each channel that comes in. */
  channels: number | 'each';
}

/** Convolution, batch norm, activation. */
function unit(network: VisionNetwork, x: Value, options: Unit): Value {
  return activation(normalised(network, x, options), { function: network.activation, path: options.path });
}

function normalised(network: VisionNetwork, x: Value, { name, path, channels, ...window }: Unit): Value {
  const options = { ...window, name: `${visionPrefix}${name}.0`, path, padding: network.padding };
  const y = channels === 'each' ? depthwiseConvolution(x, options) : convolution(x, { ...options, channels });
  return batchNorm(y, { name: `${visionPrefix}${name}.1`, path, epsilon: network.batchNormEpsilon });
}
