// EfficientNet-B0 in evaluation, NCHW: https://arxiv.org/abs/1905.11946, weights by torchvision's names
// (torchvision/models/efficientnet.py). Batch norm is folded into the convolution before it; SiLU is written as x·sigmoid(x), which
// onnxruntime fuses (com.microsoft.QuickGelu), while the Swish operator of opset 24 is inlined and slower.
// B batch, C channels, H W pixels.
import type { MbConvStage, VisionArchitecture } from '@crosscheck/contract';
import type { Value } from '../onnx/graph-builder.ts';
import type { NetworkContext } from './weights.ts';
import { foldedConvolution, plainWeight } from './weights.ts';

const backbone = 'vision_branch.backbone';

/** image [B, 3, S, S] → features [B, headChannels]. */
export function buildVisionBackbone(context: NetworkContext, image: Value, architecture: VisionArchitecture): Value {
  const part = (index: number) => ({ path: `vision/features.${index}`, weights: `${backbone}.features.${index}` });
  const epsilon = architecture.batchNormEpsilon;
  const normed = (index: number, stride: number) => ({ ...part(index), conv: '0', norm: '1', stride, epsilon });

  let x = silu(context, `vision/features.0`, convolution(context, image, normed(0, 2))); // [B, 32, S/2, S/2]
  architecture.stages.forEach((stage, index) => {
    for (let repeat = 0; repeat < stage.repeats; repeat++) {
      x = buildMbConv(context, x, { stage, repeat, epsilon, place: part(index + 1) }); // [B, C, S/2ⁿ, S/2ⁿ]
    }
  });
  const head = architecture.stages.length + 1;
  x = silu(context, `vision/features.${head}`, convolution(context, x, normed(head, 1))); // [B, 1280, S/32, S/32]
  x = context.graph.node('GlobalAveragePool', 'vision/pool', [x]); // [B, 1280, 1, 1]
  return context.graph.node('Flatten', 'vision/pool', [x], { axis: 1 }); // [B, 1280]
}

interface Block {
  stage: MbConvStage;
  repeat: number;
  epsilon: number;
  place: { path: string; weights: string };
}

/** Expand 1×1, depthwise k×k, squeeze-and-excite, project 1×1; a residual where shapes allow it. */
function buildMbConv(context: NetworkContext, input: Value, { stage, repeat, epsilon, place }: Block): Value {
  const path = `${place.path}.${repeat}`;
  const block = `${place.weights}.${repeat}.block`;
  const stride = repeat === 0 ? stage.stride : 1;
  let index = 0;
  const next = (name: string) => ({
    path: `${path}/${name}`,
    weights: `${block}.${index++}`,
    conv: '0',
    norm: '1',
    epsilon,
  });

  let x = input;
  if (stage.expand !== 1)
    x = silu(context, `${path}/expand`, convolution(context, x, { ...next('expand'), stride: 1 }));
  x = silu(context, `${path}/depthwise`, convolution(context, x, { ...next('depthwise'), stride, depthwise: true }));
  x = squeezeAndExcite(context, x, next('squeeze'));
  const project = next('project');
  x = convolution(context, x, { ...project, stride: 1 });

  const [outer, perGroup] = context.weights.shape(`${block}.0.0.weight`) as [number, number];
  const inputChannels = stage.expand === 1 ? outer : perGroup; // a depthwise convolution has one input per group
  const hasResidual = stride === 1 && inputChannels === stage.channels;
  return hasResidual ? context.graph.node('Add', `${path}/residual`, [x, input]) : x;
}

interface Convolution {
  path: string;
  weights: string;
  conv: string;
  norm: string;
  stride: number;
  epsilon: number;
  depthwise?: boolean;
}

/** Convolution and batch norm; padding (k−1)/2 on every side, as PyTorch pads. */
function convolution(context: NetworkContext, x: Value, options: Convolution): Value {
  const conv = `${options.weights}.${options.conv}`;
  const norm = `${options.weights}.${options.norm}`;
  const [weight, bias] = foldedConvolution(context, conv, norm, options.epsilon);
  const [channels, , kernel] = context.weights.shape(`${conv}.weight`) as [number, number, number, number];
  const padding = (kernel - 1) / 2;
  return context.graph.node('Conv', options.path, [x, weight, bias], {
    kernel_shape: [kernel, kernel],
    strides: [options.stride, options.stride],
    pads: [padding, padding, padding, padding],
    group: options.depthwise ? channels : 1,
  });
}

/** https://arxiv.org/abs/1709.01507: pool → 1×1 → SiLU → 1×1 → sigmoid → gate. */
function squeezeAndExcite(
  context: NetworkContext,
  x: Value,
  { path, weights }: { path: string; weights: string },
): Value {
  const { graph } = context;
  const fc = (name: string, input: Value) =>
    graph.node('Conv', `${path}/${name}`, [
      input,
      plainWeight(context, `${weights}.${name}.weight`),
      plainWeight(context, `${weights}.${name}.bias`),
    ]);
  let gate = graph.node('GlobalAveragePool', path, [x]); // [B, C, 1, 1]
  gate = silu(context, `${path}/fc1`, fc('fc1', gate)); // [B, squeezed, 1, 1]
  gate = graph.node('Sigmoid', path, [fc('fc2', gate)]); // [B, C, 1, 1]
  return graph.node('Mul', path, [x, gate]); // [B, C, H, W]
}

function silu({ graph }: NetworkContext, path: string, x: Value): Value {
  return graph.node('Mul', path, [x, graph.node('Sigmoid', path, [x])]);
}
