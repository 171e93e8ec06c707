import type { Convolution, ForwardOps, Tensor } from '../graph/ops.ts';
import { parameter, type Shape } from '../graph/tensors.ts';
import { apply, type Layer, type Value } from '../graph/value.ts';
import { type OnnxValue, weight } from '../onnx/context.ts';
import type { Attribute } from '../onnx/types.ts';
import { widthOf } from './linear.ts';

export interface ConvolutionOptions extends Convolution {
  /** Of `<name>.weight`, [out, in, k, k] or one filter per channel, [C, 1, k, k]. */
  name: string;
  path: string;
  channels: number;
}

/** Rows or columns of zeros before and after a side of n pixels. */
export function paddingOf({ kernel, stride, padding }: Convolution, n: number): [before: number, after: number] {
  if (padding === 'symmetric') return [(kernel - 1) / 2, (kernel - 1) / 2];
  const total = Math.max((Math.ceil(n / stride) - 1) * stride + kernel - n, 0);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

/** Of an ONNX Conv over pixels of these sides. */
export function convolutionAttributes(options: ConvolutionOptions, [, H, W]: Shape): Record<string, Attribute> {
  const { kernel, stride, isDepthwise, channels } = options;
  const [[top, bottom], [left, right]] = [paddingOf(options, H as number), paddingOf(options, W as number)];
  return {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [top, left, bottom, right],
    group: isDepthwise ? channels : 1,
  };
}

const filterOf = (ops: ForwardOps, { name }: ConvolutionOptions) => ops.weight(`${name}.weight`);

/** Without bias: a batch norm follows. Weights as torchvision begins them: normal with variance 2 / fan_out, groups apart. */
export const convolutionLayer: Layer<ConvolutionOptions> = {
  parameters({ name, channels, kernel, isDepthwise }, [x]) {
    const shape = [channels, isDepthwise ? 1 : widthOf(x as Shape), kernel, kernel];
    const initial = { rule: 'normal', deviation: Math.sqrt(2 / (channels * kernel * kernel)) } as const;
    return [parameter(`${name}.weight`, shape, { initial, layout: isDepthwise ? 'depthwise' : 'kernel' })];
  },
  shape: ({ stride, channels }, [x]) => {
    const [B, H, W] = x as ['B', number, number];
    return [B, Math.ceil(H / stride), Math.ceil(W / stride), channels];
  },
  reads: 'inputs',
  forward: (ops, { options, inputs: [x] }) => ({
    y: ops.convolution(x as Tensor, filterOf(ops, options), options),
  }),
  backward(ops, { options, inputs: [x], dy, wants }) {
    const filter = filterOf(ops, options);
    ops.learn(`${options.name}.weight`, () => ops.convolutionFilterGradient(x as Tensor, filter, dy, options));
    return [wants(0) ? ops.convolutionInputGradient(x as Tensor, filter, dy, options) : null];
  },
  onnx(context, { options, inputs: [x], shapes: [shape] }) {
    const attributes = convolutionAttributes(options, shape as Shape);
    return context.graph.node(
      'Conv',
      options.path,
      [x as OnnxValue, weight(context, `${options.name}.weight`)],
      attributes,
    );
  },
};

/** x [B, H, W, I] → [B, ⌈H/s⌉, ⌈W/s⌉, O] */
export const convolution = (x: Value, options: Omit<ConvolutionOptions, 'isDepthwise'>): Value =>
  apply(convolutionLayer, { ...options, isDepthwise: false }, [x]);

/** One filter per channel: x [B, H, W, C] → [B, ⌈H/s⌉, ⌈W/s⌉, C] */
export const depthwiseConvolution = (x: Value, options: Omit<ConvolutionOptions, 'isDepthwise' | 'channels'>): Value =>
  apply(convolutionLayer, { ...options, isDepthwise: true, channels: widthOf(x.shape) }, [x]);
