import type { Tensor } from '../graph/ops.ts';
import { buffer, parameter, type Shape } from '../graph/tensors.ts';
import { apply, type Layer, type Value } from '../graph/value.ts';
import { type OnnxValue, weight } from '../onnx/context.ts';
import { widthOf } from './linear.ts';

export interface BatchNormOptions {
  name: string;
  path: string;
  epsilon: number;
}

/**
 * Every channel to mean 0 and variance 1, then scaled and shifted (Ioffe and Szegedy 2015). In training over the batch, with its biased
 * variance, while the running statistics move towards its mean and unbiased variance, as PyTorch has it.
 */
export const batchNormLayer: Layer<BatchNormOptions> = {
  parameters({ name }, [x]) {
    const channels = [widthOf(x as Shape)];
    return [
      parameter(`${name}.weight`, channels, { initial: { rule: 'ones' } }),
      parameter(`${name}.bias`, channels),
      buffer(`${name}.running_mean`, channels, { rule: 'zeros' }),
      buffer(`${name}.running_var`, channels, { rule: 'ones' }),
      buffer(`${name}.num_batches_tracked`, [], { rule: 'zeros' }),
    ];
  },
  shape: (_, [x]) => x as Shape,
  reads: 'inputs',
  forward: (ops, { options, inputs: [x] }) => ops.batchNorm(x as Tensor, options),
  backward: (ops, { options, inputs: [x], kept, dy }) => [
    ops.batchNormGradient(x as Tensor, options, kept as object, dy),
  ],
  onnx(context, { options, inputs: [x] }) {
    const { name, path, epsilon } = options;
    const parts = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => weight(context, `${name}.${part}`));
    return context.graph.node('BatchNormalization', path, [x as OnnxValue, ...parts], { epsilon: { float: epsilon } });
  },
};

/** x [B, H, W, C] → [B, H, W, C] */
export const batchNorm = (x: Value, options: BatchNormOptions): Value => apply(batchNormLayer, options, [x]);
