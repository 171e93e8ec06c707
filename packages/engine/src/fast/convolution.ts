import type { Convolution } from '@crosscheck/network';
import { type Attribute, attribute, constantIntegers, executeKernel, type tf } from '@crosscheck/tensorflow';
import { consume, matMul, matMulLeft, matMulRight, reshape } from './kernels.ts';

/** One kind of convolution without bias, in one of its implementations: forward, and the gradients of its two inputs. */
export interface ConvolutionKernel {
  forward(x: tf.Tensor, filter: tf.Tensor, options: Convolution): tf.Tensor;
  inputGradient(x: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor, options: Convolution): tf.Tensor;
  filterGradient(x: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor, options: Convolution): tf.Tensor;
}

/** TensorFlow's kernels of one kind of convolution. */
interface Kernels {
  forward: string;
  inputGradient: string;
  filterGradient: string;
}

export const denseKernels: Kernels = {
  forward: 'Conv2D',
  inputGradient: 'Conv2DBackpropInput',
  filterGradient: 'Conv2DBackpropFilter',
};

export const depthwiseKernels: Kernels = {
  forward: 'DepthwiseConv2dNative',
  inputGradient: 'DepthwiseConv2dNativeBackpropInput',
  filterGradient: 'DepthwiseConv2dNativeBackpropFilter',
};

/**
 * PyTorch pads (k − 1) / 2 on every side. TensorFlow's SAME does so at stride 1 only: at stride 2 it pads the bottom and
 * the right first.
 */
export function convolutionAttributes({ kernel, stride, padding }: Convolution): Attribute[] {
  const p = (kernel - 1) / 2;
  const isSame = stride === 1 || padding === 'same';
  const pads = isSame
    ? [attribute.string('padding', 'SAME')]
    : [attribute.string('padding', 'EXPLICIT'), attribute.int('explicit_paddings', [0, 0, p, p, p, p, 0, 0])];
  return [
    attribute.int('strides', [1, stride, stride, 1]),
    attribute.int('dilations', [1, 1, 1, 1]),
    attribute.string('data_format', 'NHWC'),
    ...pads,
  ];
}

const shapeOf = ({ shape }: tf.Tensor) => constantIntegers(shape);

const ofTensorFlow = (kernels: Kernels): ConvolutionKernel => ({
  forward: (x, filter, options) => executeKernel(kernels.forward, convolutionAttributes(options), [x, filter]),
  inputGradient: (x, filter, dy, options) =>
    executeKernel(kernels.inputGradient, convolutionAttributes(options), [shapeOf(x), filter, dy]),
  filterGradient: (x, filter, dy, options) =>
    executeKernel(kernels.filterGradient, convolutionAttributes(options), [x, shapeOf(filter), dy]),
});

/** x [B, H, W, I], filter [k, k, I, O] → [B, ⌈H/s⌉, ⌈W/s⌉, O] */
export const denseConvolution = ofTensorFlow(denseKernels);

/** One filter per channel: x [B, H, W, C], filter [k, k, C, 1] → [B, ⌈H/s⌉, ⌈W/s⌉, C]. Of TensorFlow's own kernels. */
export const composedDepthwise = ofTensorFlow(depthwiseKernels);

const ownAttributes = ({ kernel, stride, padding }: Convolution) => [
  attribute.int('kernel', kernel),
  attribute.int('stride', stride),
  attribute.string('padding', padding.toUpperCase()),
];

/** Of packages/tensorflow/native, several times as fast. */
export const ownDepthwise: ConvolutionKernel = {
  forward: (x, filter, options) => executeKernel('CrosscheckDepthwise', ownAttributes(options), [x, filter]),
  inputGradient: (x, filter, dy, options) =>
    executeKernel('CrosscheckDepthwiseInputGradient', ownAttributes(options), [x, filter, dy]),
  filterGradient: (x, _, dy, options) =>
    executeKernel('CrosscheckDepthwiseFilterGradient', ownAttributes(options), [x, dy]),
};

const asRows = (x: tf.Tensor) => reshape(x, [-1, x.shape.at(-1) as number]);

/** Two tensors as matrices of pixels, multiplied. */
const multiplyRows = (
  [a, b]: [tf.Tensor, tf.Tensor],
  product: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  shape: number[],
) =>
  consume(
    consume(asRows(a), (left) => consume(asRows(b), (right) => product(left, right))),
    (rows) => reshape(rows, shape),
  );

/** 1 × 1: every pixel on its own, so a matrix product. x [B, H, W, I], filter [1, 1, I, O] → [B, H, W, O] */
export const pointwiseConvolution: ConvolutionKernel = {
  forward: (x, filter) => multiplyRows([x, filter], matMul, [...x.shape.slice(0, 3), filter.shape[3] as number]),
  inputGradient: (x, filter, dy) => multiplyRows([dy, filter], matMulRight, x.shape),
  filterGradient: (x, filter, dy) => multiplyRows([x, dy], matMulLeft, filter.shape),
};
