// EfficientNet-B0 in evaluation, NCHW: https://arxiv.org/abs/1905.11946, weights by torchvision's names
// (torchvision/models/efficientnet.py). Batch norm is folded into the convolution before it; SiLU is written as x·sigmoid(x), which
// onnxruntime fuses (com.microsoft.QuickGelu), while the Swish operator of opset 24 is inlined and slower.
// B batch, C channels, H W pixels.
import type { VisionArchitecture } from '@crosscheck/contract';
import type { VisionBlock } from '@crosscheck/model/weights';
import { visionBlocks, visionPrefix } from '@crosscheck/model/weights';
import type { Value } from '../onnx/graph-builder.ts';
import type { NetworkContext } from './weights.ts';
import { foldedConvolution, plainWeight } from './weights.ts';

/** image [B, 3, S, S] → features [B, headChannels]. */
export function buildVisionBackbone(context: NetworkContext, image: Value, architecture: VisionArchitecture): Value {
  const { graph } = context;
  const epsilon = architecture.batchNormEpsilon;
  const head = `features.${architecture.stages.length + 1}`;

  let x = convNorm(context, image, { path: 'vision/features.0', name: 'features.0', stride: 2, epsilon });
  x = silu(context, 'vision/features.0', x); // [B, 32, S/2, S/2]
  for (const block of visionBlocks(architecture)) x = mbConv(context, x, block, epsilon); // [B, C, H, W]
  x = convNorm(context, x, { path: `vision/${head}`, name: head, stride: 1, epsilon });
  x = silu(context, `vision/${head}`, x); // [B, 1280, S/32, S/32]
  x = graph.node('GlobalAveragePool', 'vision/pool', [x]); // [B, 1280, 1, 1]
  return graph.node('Flatten', 'vision/pool', [x], { axis: 1 }); // [B, 1280]
}

/** Expand 1×1, depthwise k×k, squeeze-and-excite, project 1×1; a residual where shapes allow it. */
function mbConv(context: NetworkContext, input: Value, block: VisionBlock, epsilon: number): Value {
  const { names, stride, expandedChannels: group } = block;
  const path = `vision/features.${block.stage + 1}.${block.repeat}`;
  let x = input;
  if (names.expand !== null) {
    x = convNorm(context, x, { path: `${path}/expand`, name: names.expand, stride: 1, epsilon });
    x = silu(context, `${path}/expand`, x);
  }
  x = convNorm(context, x, { path: `${path}/depthwise`, name: names.depthwise, stride, epsilon, group });
  x = silu(context, `${path}/depthwise`, x);
  x = squeezeAndExcite(context, x, { path: `${path}/squeeze`, name: names.squeezeExcite });
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
function squeezeAndExcite(context: NetworkContext, x: Value, { path, name }: { path: string; name: string }): Value {
  const { graph } = context;
  const conv = (part: string, input: Value) => {
    const [weight, bias] = ['weight', 'bias'].map((kind) =>
      plainWeight(context, `${visionPrefix}${name}.${part}.${kind}`),
    ) as [Value, Value];
    return graph.node('Conv', `${path}/${part}`, [input, weight, bias]);
  };
  let gate = graph.node('GlobalAveragePool', path, [x]); // [B, C, 1, 1]
  gate = silu(context, `${path}/fc1`, conv('fc1', gate)); // [B, squeezed, 1, 1]
  gate = graph.node('Sigmoid', path, [conv('fc2', gate)]); // [B, C, 1, 1]
  return graph.node('Mul', path, [x, gate]); // [B, C, H, W]
}

function silu({ graph }: NetworkContext, path: string, x: Value): Value {
  return graph.node('Mul', path, [x, graph.node('Sigmoid', path, [x])]);
}
