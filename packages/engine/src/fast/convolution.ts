import { visionPrefix } from '@crosscheck/network';
import { attribute, executeKernel, tf } from '@crosscheck/tensorflow';
import { type ConvolutionKernels, convolutionAttributes, dense, perChannel } from '../layers/convolution.ts';
import { consume, matMul, matMulLeft, matMulRight, reshape } from './kernels.ts';
import type { Work } from './work.ts';

/** One convolution without bias. */
export interface Convolution {
  /** Without the backbone's prefix. */
  name: string;
  forward(work: Work, x: tf.Tensor): tf.Tensor;
  backward(work: Work, x: tf.Tensor, dy: tf.Tensor): tf.Tensor;
  /** The filter's gradient alone. */
  learn(work: Work, x: tf.Tensor, dy: tf.Tensor): void;
}

/** x [B, H, W, I], filter [k, k, I, O] → [B, ⌈H/s⌉, ⌈W/s⌉, O] */
export const denseConvolution = (name: string, stride: number): Convolution => spatial(dense, name, stride);

/** Of TensorFlow's own kernels. */
export const composedDepthwise = (name: string, stride: number): Convolution => spatial(perChannel, name, stride);

/** Of packages/tensorflow/native, several times as fast. */
export function ownDepthwise(name: string, stride: number): Convolution {
  const attributesFor = (filter: tf.Tensor) => [
    attribute.int('kernel', filter.shape[0] as number),
    attribute.int('stride', stride),
  ];
  const learn: Convolution['learn'] = (work, x, dy) =>
    work.learn(`${visionPrefix}${name}.weight`, () =>
      executeKernel('CrosscheckDepthwiseFilterGradient', attributesFor(filterOf(work, name)), [x, dy]),
    ); // [k, k, C, 1]
  return {
    name,
    learn,
    forward: (work, x) => {
      const filter = filterOf(work, name);
      return executeKernel('CrosscheckDepthwise', attributesFor(filter), [x, filter]); // [B, ⌈H/s⌉, ⌈W/s⌉, C]
    },
    backward: (work, x, dy) => {
      learn(work, x, dy);
      const filter = filterOf(work, name);
      return executeKernel('CrosscheckDepthwiseInputGradient', attributesFor(filter), [x, filter, dy]); // [B, H, W, C]
    },
  };
}

const filterOf = (work: Work, name: string) => work.weight(`${visionPrefix}${name}.weight`);

const shapeOf = (x: tf.Tensor) => tf.tensor1d(x.shape, 'int32');

function spatial(kernels: ConvolutionKernels, name: string, stride: number): Convolution {
  const attributesFor = (filter: tf.Tensor) => convolutionAttributes(filter.shape[0] as number, stride);
  const learn: Convolution['learn'] = (work, x, dy) =>
    work.learn(`${visionPrefix}${name}.weight`, () => {
      const filter = filterOf(work, name);
      const kernel = (shape: tf.Tensor) => executeKernel(kernels.filterGradient, attributesFor(filter), [x, shape, dy]);
      return consume(shapeOf(filter), kernel); // [k, k, I, O]
    });
  return {
    name,
    learn,
    forward: (work, x) => {
      const filter = filterOf(work, name);
      return executeKernel(kernels.forward, attributesFor(filter), [x, filter]);
    },
    backward: (work, x, dy) => {
      learn(work, x, dy);
      const filter = filterOf(work, name);
      const kernel = (shape: tf.Tensor) =>
        executeKernel(kernels.inputGradient, attributesFor(filter), [shape, filter, dy]);
      return consume(shapeOf(x), kernel); // [B, H, W, I]
    },
  };
}

const asRows = (x: tf.Tensor) => reshape(x, [-1, x.shape.at(-1) as number]);

/** Two tensors as matrices of pixels, multiplied. */
const multiplyRows = (
  a: tf.Tensor,
  b: tf.Tensor,
  product: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  shape: (number | undefined)[],
) =>
  consume(
    consume(asRows(a), (left) => consume(asRows(b), (right) => product(left, right))),
    (rows) => reshape(rows, shape as number[]),
  );

/** 1 × 1: every pixel on its own, so a matrix product. x [B, H, W, I], filter [1, 1, I, O] → [B, H, W, O] */
export function pointwiseConvolution(name: string): Convolution {
  const learn: Convolution['learn'] = (work, x, dy) =>
    work.learn(`${visionPrefix}${name}.weight`, () => multiplyRows(x, dy, matMulLeft, filterOf(work, name).shape)); // [1, 1, I, O]
  return {
    name,
    learn,
    forward: (work, x) => {
      const filter = filterOf(work, name);
      return multiplyRows(x, filter, matMul, [...x.shape.slice(0, 3), filter.shape[3]]);
    },
    backward: (work, x, dy) => {
      learn(work, x, dy);
      return multiplyRows(dy, filterOf(work, name), matMulRight, x.shape);
    },
  };
}
