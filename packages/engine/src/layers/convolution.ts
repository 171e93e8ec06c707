import { type Attribute, attribute, executeKernel, tf } from '@crosscheck/tensorflow';
import { withGradient } from './with-gradient.ts';

/** TensorFlow's kernels of one kind of convolution: forward, and the gradients of its two inputs. */
export interface ConvolutionKernels {
  forward: string;
  inputGradient: string;
  filterGradient: string;
}

export const dense: ConvolutionKernels = {
  forward: 'Conv2D',
  inputGradient: 'Conv2DBackpropInput',
  filterGradient: 'Conv2DBackpropFilter',
};

export const perChannel: ConvolutionKernels = {
  forward: 'DepthwiseConv2dNative',
  inputGradient: 'DepthwiseConv2dNativeBackpropInput',
  filterGradient: 'DepthwiseConv2dNativeBackpropFilter',
};

/** Convolution without bias, padded as PyTorch does. x [B, H, W, I], filter [k, k, I, O] → [B, ⌈H/s⌉, ⌈W/s⌉, O]. */
export function convolution(x: tf.Tensor4D, filter: tf.Tensor4D, stride: number): tf.Tensor4D {
  return convolve(dense, x, filter, stride);
}

/** One filter per channel. x [B, H, W, C], filter [k, k, C, 1] → [B, ⌈H/s⌉, ⌈W/s⌉, C]. */
export function depthwiseConvolution(x: tf.Tensor4D, filter: tf.Tensor4D, stride: number): tf.Tensor4D {
  return convolve(perChannel, x, filter, stride);
}

function convolve(kernels: ConvolutionKernels, x: tf.Tensor4D, filter: tf.Tensor4D, stride: number): tf.Tensor4D {
  const attributes = convolutionAttributes(filter.shape[0], stride);
  const shapeOf = (tensor: tf.Tensor) => tf.tensor1d(tensor.shape, 'int32');
  return withGradient([x, filter], {
    forward: () => ({ value: executeKernel(kernels.forward, attributes, [x, filter]), saved: [x, filter] }),
    backward: (dy, [x, filter]) => [
      executeKernel(kernels.inputGradient, attributes, [shapeOf(x as tf.Tensor), filter as tf.Tensor, dy]),
      executeKernel(kernels.filterGradient, attributes, [x as tf.Tensor, shapeOf(filter as tf.Tensor), dy]),
    ],
  });
}

/**
 * PyTorch pads (k − 1) / 2 on every side. TensorFlow's SAME does so at stride 1 only: at stride 2 it pads the bottom and
 * the right alone.
 */
export function convolutionAttributes(kernelSize: number, stride: number): Attribute[] {
  const p = (kernelSize - 1) / 2;
  const padding =
    stride === 1
      ? [attribute.string('padding', 'SAME')]
      : [attribute.string('padding', 'EXPLICIT'), attribute.int('explicit_paddings', [0, 0, p, p, p, p, 0, 0])];
  return [
    attribute.int('strides', [1, stride, stride, 1]),
    attribute.int('dilations', [1, 1, 1, 1]),
    attribute.string('data_format', 'NHWC'),
    ...padding,
  ];
}
