// EfficientNet-B0 in evaluation, NCHW: https://arxiv.org/abs/1905.11946, weights by torchvision's names
// (torchvision/models/efficientnet.py). Batch norm is folded into the convolution before it; SiLU is written as x·sigmoid(x), which
// onnxruntime fuses (com.microsoft.QuickGelu), while the Swish operator of opset 24 is inlined and slower.
// B batch, C channels, H W pixels.
import type { VisionArchitecture } from '@crosscheck/contract';
import { type VisionBlock, visionBlocks, visionPrefix } from '@crosscheck/network';
import type { Value } from '../onnx/graph-builder.ts';
import type { NetworkContext } from './weights.ts';
import { foldedConvolution, plainWeight } from './weights.ts';

/**
 * image [B, 3, S, S] → features [B, headChannels].
 *
 * @param architecture.allRegions whether those of every region are wanted instead, [B, R, headChannels]
 */
export function buildVisionBackbone(
  context: NetworkContext,
  { image, imageSize }: { image: Value; imageSize: number },
  architecture: VisionArchitecture & { allRegions: boolean },
): Value {
  const { graph } = context;
  const epsilon = architecture.batchNormEpsilon;
  const head = `features.${architecture.stages.length + 1}`;

  let x = convNorm(context, image, { path: 'vision/features.0', name: 'features.0', stride: 2, epsilon });
  x = silu(context, 'vision/features.0', x); // [B, 32, S/2, S/2]
  let side = Math.ceil(imageSize / 2); // H = W
  for (const block of visionBlocks(architecture)) {
    side = Math.ceil(side / block.stride);
    x = mbConv(context, x, { ...block, side, epsilon }); // [B, C, H, W]
  }
  x = convNorm(context, x, { path: `vision/${head}`, name: head, stride: 1, epsilon });
  x = silu(context, `vision/${head}`, x); // [B, 1280, S/32, S/32]
  if (architecture.allRegions) {
    const flat = graph.node('Reshape', 'vision/regions', [x, graph.ints(0, architecture.headChannels, side * side)]); // [B, 1280, R]
    return graph.node('Transpose', 'vision/regions', [flat], { perm: [0, 2, 1] }); // [B, R, 1280]
  }
  x = pool(context, 'vision/pool', x, side); // [B, 1280, 1, 1]
  return graph.node('Flatten', 'vision/pool', [x], { axis: 1 }); // [B, 1280]
}

/** Expand 1×1, depthwise k×k, squeeze-and-excite, project 1×1; a residual where shapes allow it. */
function mbConv(context: NetworkContext, input: Value, block: VisionBlock & { side: number; epsilon: number }): Value {
  const { names, stride, side, epsilon, expandedChannels: group } = block;
  const path = `vision/features.${block.stage + 1}.${block.repeat}`;
  let x = input;
  if (names.expand !== null) {
    x = convNorm(context, x, { path: `${path}/expand`, name: names.expand, stride: 1, epsilon });
    x = silu(context, `${path}/expand`, x);
  }
  x = convNorm(context, x, { path: `${path}/depthwise`, name: names.depthwise, stride, epsilon, group });
  x = silu(context, `${path}/depthwise`, x);
  if (names.squeezeExcite !== null)
    x = squeezeAndExcite(context, x, { path: `${path}/squeeze`, name: names.squeezeExcite, side });
  x = convNorm(context, x, { path: `${path}/project`, name: names.project, stride: 1, epsilon });
  const hasResidual = stride === 1 && block.inputChannels === block.outputChannels;
  return hasResidual ? context.graph.node('Add', `${path}/residual`, [x, input]) : x;
}

interface ConvNorm {
  path: string;
  name: string;
  stride: number;
  epsilon: number;
  group?: number;
}

/** Convolution and batch norm; padding (k−1)/2 on every side, as PyTorch pads. */
function convNorm(context: NetworkContext, x: Value, { path, name, stride, epsilon, group = 1 }: ConvNorm): Value {
  const conv = `${visionPrefix}${name}.0`;
  const [weight, bias] = foldedConvolution(context, { conv, norm: `${visionPrefix}${name}.1`, epsilon });
  const kernel = context.weights.shape(`${conv}.weight`).at(-1) as number;
  const padding = (kernel - 1) / 2;
  return context.graph.node('Conv', path, [x, weight, bias], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    group,
  });
}

/** https://arxiv.org/abs/1709.01507: pool → 1×1 → SiLU → 1×1 → sigmoid → gate. */
function squeezeAndExcite(
  context: NetworkContext,
  x: Value,
  { path, name, side }: { path: string; name: string; side: number },
): Value {
  const { graph } = context;
  const conv = (part: string, input: Value) => {
    const [weight, bias] = ['weight', 'bias'].map((kind) =>
      plainWeight(context, `${visionPrefix}${name}.${part}.${kind}`),
    ) as [Value, Value];
    return graph.node('Conv', `${path}/${part}`, [input, weight, bias]);
  };
  let gate = pool(context, path, x, side); // [B, C, 1, 1]
  gate = silu(context, `${path}/fc1`, conv('fc1', gate)); // [B, squeezed, 1, 1]
  gate = graph.node('Sigmoid', path, [conv('fc2', gate)]); // [B, C, 1, 1]
  return graph.node('Mul', path, [x, gate]); // [B, C, H, W]
}

/** Pixels per side above which GlobalAveragePool is too coarse. */
const largestPooledSide = 28;

/**
 * Mean over pixels. onnxruntime's blocked GlobalAveragePool adds floats one after another: over 112² pixels its error (1.6e-5 of a gate)
 * grew to 5e-5 of the features. ReduceMean adds pairwise; on the three largest maps it brings that to 1e-5 at the same speed.
 */
function pool({ graph }: NetworkContext, path: string, x: Value, side: number): Value {
  if (side <= largestPooledSide) return graph.node('GlobalAveragePool', path, [x]);
  return graph.node('ReduceMean', path, [x, graph.ints(2, 3)], { keepdims: 1 });
}

function silu({ graph, fused }: NetworkContext, path: string, x: Value): Value {
  if (fused.vision) return graph.fused('QuickGelu', path, [x], { alpha: { float: 1 } });
  return graph.node('Mul', path, [x, graph.node('Sigmoid', path, [x])]);
}
