// EfficientNet-B0 (Tan and Le 2019), with the names, padding and batch norm of torchvision's implementation:
// https://github.com/pytorch/vision/blob/main/torchvision/models/efficientnet.py
//
// Shapes: B samples, NHWC, written for 224 × 224 pixels. C input, E expanded, S squeezed, O output channels of a block.
//
//   features    operator        channels  repeats  stride  side
//   0           conv 3×3              32        1       2   112
//   1           MBConv1 3×3           16        1       1   112
//   2           MBConv6 3×3           24        2       2    56
//   3           MBConv6 5×5           40        2       2    28
//   4           MBConv6 3×3           80        3       2    14
//   5           MBConv6 5×5          112        3       1    14
//   6           MBConv6 5×5          192        4       2     7
//   7           MBConv6 3×3          320        1       1     7
//   8           conv 1×1            1280        1       1     7
import type { VisionArchitecture } from '@crosscheck/contract';
import { type VisionBlock, visionBlocks, visionPrefix } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { silu } from './layers/activations.ts';
import { batchNorm } from './layers/batch-norm.ts';
import { convolution, depthwiseConvolution } from './layers/convolution.ts';
import { stochasticDepth } from './layers/dropout.ts';
import { linear } from './layers/linear.ts';
import type { Pass } from './layers/pass.ts';

export interface VisionNetwork extends VisionArchitecture {
  /** Probability of dropping the last block's branch; earlier blocks get proportionally less. */
  stochasticDepth: number;
}

/** Pictures to features: image [B, S, S, 3], normalised → [B, headChannels]. */
export function encodeVision(pass: Pass, network: VisionNetwork, image: tf.Tensor4D): tf.Tensor2D {
  return tf.tidy(() => tf.mean(encodeVisionMap(pass, network, image), [1, 2])); // [B, 1280]
}

/** Pictures to a map of features, before they are averaged: image [B, S, S, 3], normalised → [B, 7, 7, headChannels]. */
export function encodeVisionMap(pass: Pass, network: VisionNetwork, image: tf.Tensor4D): tf.Tensor4D {
  const epsilon = network.batchNormEpsilon;
  const head = `features.${network.stages.length + 1}`;
  return tf.tidy(() => {
    const blocks = visionBlocks(network);
    let x = stem(pass, image, epsilon); // [B, 112, 112, 32]
    for (const [i, block] of blocks.entries()) {
      const dropRate = (network.stochasticDepth * i) / blocks.length;
      x = mbConv(pass, block, x, { dropRate, epsilon }); // last: [B, 7, 7, 320]
    }
    x = pointwise(pass, head, x, epsilon); // [B, 7, 7, 1280]
    pass.observe(visionPrefix + head, x);
    return x;
  });
}

function stem(pass: Pass, image: tf.Tensor4D, epsilon: number): tf.Tensor4D {
  const x = tf.tidy(() => {
    const filter = pass.weight(`${visionPrefix}features.0.0.weight`) as tf.Tensor4D;
    return silu(norm(pass, 'features.0.1', convolution(image, filter, 2), epsilon)); // [B, 112, 112, 32]
  });
  pass.observe(`${visionPrefix}features.0`, x);
  return x;
}

interface BlockOptions {
  dropRate: number;
  epsilon: number;
}

/** Inverted bottleneck (Sandler et al. 2018): widen, look around per channel, weigh the channels, narrow, add. */
function mbConv(pass: Pass, block: VisionBlock, input: tf.Tensor4D, { dropRate, epsilon }: BlockOptions): tf.Tensor4D {
  const { names } = block;
  const output = tf.tidy(() => {
    let x = names.expand ? pointwise(pass, names.expand, input, epsilon) : input; // [B, H, W, E]
    x = depthwise(pass, block, x, epsilon); // [B, H/s, W/s, E]
    if (names.squeezeExcite) x = squeezeExcite(pass, names.squeezeExcite, x); // [B, H/s, W/s, E]
    x = project(pass, names.project, x, epsilon); // [B, H/s, W/s, O]
    const isResidual = block.stride === 1 && block.inputChannels === block.outputChannels;
    return isResidual ? tf.add<tf.Tensor4D>(stochasticDepth(pass, x, dropRate, names.project), input) : x; // [B, H/s, W/s, O]
  });
  pass.observe(`${visionPrefix}features.${block.stage + 1}.${block.repeat}`, output);
  return output;
}

function pointwise(pass: Pass, name: string, x: tf.Tensor4D, epsilon: number): tf.Tensor4D {
  return tf.tidy(() => silu(project(pass, name, x, epsilon))); // [B, H, W, E]
}

function depthwise(pass: Pass, { names, stride }: VisionBlock, x: tf.Tensor4D, epsilon: number): tf.Tensor4D {
  return tf.tidy(() => {
    const filter = pass.weight(`${visionPrefix}${names.depthwise}.0.weight`) as tf.Tensor4D;
    return silu(norm(pass, `${names.depthwise}.1`, depthwiseConvolution(x, filter, stride), epsilon)); // [B, H/s, W/s, E]
  });
}

/** Weighs every channel by what the whole picture holds (Hu et al. 2018). */
function squeezeExcite(pass: Pass, name: string, x: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const squeezed = silu(linear(pass, `${visionPrefix}${name}.fc1`, tf.mean(x, [1, 2]))); // [B, S]
    const weights = tf.sigmoid(linear(pass, `${visionPrefix}${name}.fc2`, squeezed)); // [B, E]
    return tf.mul(x, tf.expandDims(tf.expandDims(weights, 1), 1)); // [B, H, W, E]
  });
}

function project(pass: Pass, name: string, x: tf.Tensor4D, epsilon: number): tf.Tensor4D {
  return tf.tidy(() => {
    const filter = pass.weight(`${visionPrefix}${name}.0.weight`) as tf.Tensor4D;
    return norm(pass, `${name}.1`, convolution(x, filter, 1), epsilon); // [B, H, W, O]
  });
}

function norm(pass: Pass, name: string, x: tf.Tensor4D, epsilon: number): tf.Tensor4D {
  return batchNorm(pass, visionPrefix + name, x, epsilon);
}
