import type { ForwardOps, Ops, Tensor } from '../graph/ops.ts';
import type { Shape } from '../graph/tensors.ts';
import { apply, type Layer, type Value } from '../graph/value.ts';
import { type OnnxContext, type OnnxValue, weight } from '../onnx/context.ts';
import { type Activation, activationOf } from './activation.ts';
import { linearBackward, linearForward, linearParameters, widthOf } from './linear.ts';
import { poolOnnx } from './pool.ts';

export interface SqueezeExciteOptions {
  /** Of `<name>.fc1` and `<name>.fc2`, 1×1 convolutions in PyTorch. */
  name: string;
  path: string;
  /** S */
  squeezed: number;
  activation: Activation;
}

/** How much each map counts, and what that comes from. */
export interface ChannelGate {
  means: Tensor; // [B, C]
  squeezed: Tensor; // [B, S]
  gate: Tensor; // [B, C]
}

/** Means of the maps [B, C] → linear, activation, linear, sigmoid. */
export function gateForward(ops: ForwardOps, { name, activation }: SqueezeExciteOptions, means: Tensor): ChannelGate {
  const squeezed = linearForward(ops, `${name}.fc1`, means); // [B, S]
  const active = activationOf(activation).forward(ops, squeezed); // [B, S]
  return { means, squeezed, gate: ops.sigmoid(linearForward(ops, `${name}.fc2`, active)) };
}

/** The gradient of the gate → that of the means, [B, C] each. */
export function gateBackward(
  ops: Ops,
  { name, activation }: SqueezeExciteOptions,
  kept: ChannelGate,
  dGate: Tensor,
): Tensor {
  const { forward, backward, reads } = activationOf(activation);
  const active = forward(ops, kept.squeezed); // [B, S]
  const dExcited = ops.sigmoidGradient(kept.gate, dGate); // [B, C]
  const dActive = linearBackward(ops, `${name}.fc2`, active, dExcited); // [B, S]
  const dSqueezed = backward(ops, reads === 'inputs' ? kept.squeezed : active, dActive); // [B, S]
  return linearBackward(ops, `${name}.fc1`, kept.means, dSqueezed); // [B, C]
}

/** Weighs every map by what the whole image holds (Hu et al. 2018, https://arxiv.org/abs/1709.01507). */
export const squeezeExciteLayer: Layer<SqueezeExciteOptions> = {
  parameters({ name, squeezed }, [x]) {
    const channels = widthOf(x as Shape);
    return [
      ...linearParameters(`${name}.fc1`, [squeezed, channels], { isConvolution: true, initial: 'convolution' }),
      ...linearParameters(`${name}.fc2`, [channels, squeezed], { isConvolution: true, initial: 'convolution' }),
    ];
  },
  shape: (_, [x]) => x as Shape,
  reads: 'inputs',
  forward(ops, { options, inputs: [x] }) {
    const kept = gateForward(ops, options, ops.mapMean(x as Tensor));
    return { y: ops.scaleMaps(x as Tensor, kept.gate), kept };
  },
  backward(ops, { options, inputs: [x], kept, dy }) {
    const gate = kept as ChannelGate;
    const dMeans = gateBackward(ops, options, gate, ops.mapProducts(x as Tensor, dy)); // [B, C]
    return [ops.add(ops.scaleMaps(dy, gate.gate), ops.mapMeanGradient(x as Tensor, dMeans))];
  },
  onnx(context, { options, inputs: [x], shapes: [shape] }) {
    const { name, path, activation } = options;
    let gate = poolOnnx(context, path, x as OnnxValue, shape as Shape); // [B, C, 1, 1]
    gate = pointwise(context, `${path}/fc1`, `${name}.fc1`, gate);
    gate = activationOf(activation).onnx(context, `${path}/fc1`, gate); // [B, S, 1, 1]
    gate = context.graph.node('Sigmoid', path, [pointwise(context, `${path}/fc2`, `${name}.fc2`, gate)]); // [B, C, 1, 1]
    return context.graph.node('Mul', path, [x as OnnxValue, gate]); // [B, C, H, W]
  },
};

// oxlint-disable-next-line max-params -- where, whose weights, of what
const pointwise = (context: OnnxContext, path: string, name: string, x: OnnxValue) =>
  context.graph.node('Conv', path, [x, weight(context, `${name}.weight`), weight(context, `${name}.bias`)]);

/** x [B, H, W, C] → [B, H, W, C] */
export const squeezeExcite = (x: Value, options: SqueezeExciteOptions): Value =>
  apply(squeezeExciteLayer, options, [x]);
