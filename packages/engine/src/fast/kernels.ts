// TensorFlow's kernels under short names. Inputs are borrowed, results belong to the caller: nothing here is freed but by `consume`.
import { type Attribute, attribute, constant, constantIntegers, executeKernel, tf } from '@crosscheck/tensorflow';

/** Computes from a tensor that nobody needs afterwards, and frees it. */
export function consume<T extends tf.Tensor, R>(x: T, compute: (x: T) => R): R {
  const result = compute(x);
  x.dispose();
  return result;
}

/** Frees every tensor in these records; none of the model's variables may be in one. */
export const release = (...held: (object | null)[]): void => tf.dispose(held as tf.TensorContainer);

const unary = (name: string) => (x: tf.Tensor) => executeKernel(name, [], [x]);
const binary = (name: string) => (a: tf.Tensor, b: tf.Tensor) => executeKernel(name, [], [a, b]);

export const add = binary('AddV2');
export const subtract = binary('Sub');
export const multiply = binary('Mul');
export const abs = unary('Abs');
export const erf = unary('Erf');
export const exp = unary('Exp');
export const relu = unary('Relu');
export const relu6 = unary('Relu6');
export const rsqrt = unary('Rsqrt');
export const sigmoid = unary('Sigmoid');
export const sign = unary('Sign');
export const softmax = unary('Softmax');
export const square = unary('Square');
export const tanh = unary('Tanh');
/** A second handle of the same memory, to be freed on its own. */
export const view = unary('Identity');
export const squaredDifference = binary('SquaredDifference');
/** x [N, C] + bias [C] */
export const addBias = binary('BiasAdd');
/** Sums everything but the last axis: [.., C] → [C]. */
export const biasGradient = unary('BiasAddGrad');
/** (σ(x), dy) → σ′(x) · dy */
export const sigmoidGradient = binary('SigmoidGrad');
/** (tanh(x), dy) → tanh′(x) · dy */
export const tanhGradient = binary('TanhGrad');
/** (relu(x), dy) → relu′(x) · dy */
export const reluGradient = (y: tf.Tensor, dy: tf.Tensor): tf.Tensor => executeKernel('ReluGrad', [], [dy, y]);
/** (x or relu6(x), dy) → relu6′(x) · dy */
export const relu6Gradient = (y: tf.Tensor, dy: tf.Tensor): tf.Tensor => executeKernel('Relu6Grad', [], [dy, y]);

/** x · σ(x) */
export const silu = (x: tf.Tensor): tf.Tensor => consume(sigmoid(x), (s) => multiply(x, s));

/** dy · (σ(x) + x · σ′(x)) */
export function siluGradient(x: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  const slope = consume(sigmoid(x), (s) => consume(sigmoidGradient(s, x), (rest) => add(s, rest)));
  return consume(slope, () => multiply(dy, slope));
}

export const scale = (x: tf.Tensor, factor: number): tf.Tensor => multiply(x, constant(factor));
export const shift = (x: tf.Tensor, offset: number): tf.Tensor => add(x, constant(offset));

/** Runs a kernel with a list of integers as its last input. */
const withIntegers = (name: string, attributes: Attribute[], inputs: tf.Tensor[], integers: number[]): tf.Tensor =>
  executeKernel(name, attributes, [...inputs, constantIntegers(integers)]);

/** Shares the memory of x. */
export const reshape = (x: tf.Tensor, shape: number[]): tf.Tensor => withIntegers('Reshape', [], [x], shape);
export const transpose = (x: tf.Tensor, order: number[]): tf.Tensor => withIntegers('Transpose', [], [x], order);

const keepAxis = [attribute.bool('keep_dims', true)];
/** [.., H] → [.., 1] */
export const rowMean = (x: tf.Tensor): tf.Tensor => withIntegers('Mean', keepAxis, [x], [-1]);
/** [.., H] → [.., 1] */
export const rowSum = (x: tf.Tensor): tf.Tensor => withIntegers('Sum', keepAxis, [x], [-1]);

const asIs = { a: [] as Attribute[], batched: [] as Attribute[] };
const transposed = {
  left: { a: [attribute.bool('transpose_a', true)], batched: [attribute.bool('adj_x', true)] },
  right: { a: [attribute.bool('transpose_b', true)], batched: [attribute.bool('adj_y', true)] },
};
type Transposed = keyof typeof transposed;

const product = (a: tf.Tensor, b: tf.Tensor, which?: Transposed) => {
  const { a: plain, batched } = which ? transposed[which] : asIs;
  return a.rank === 2 ? executeKernel('MatMul', plain, [a, b]) : executeKernel('BatchMatMulV2', batched, [a, b]);
};
/** a · b over the last two axes */
export const matMul = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => product(a, b);
/** aᵀ · b */
export const matMulLeft = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => product(a, b, 'left');
/** a · bᵀ */
export const matMulRight = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => product(a, b, 'right');

/** Rows of x [N, H] at `rows` [M] → [M, H] */
export const gatherRows = (x: tf.Tensor, rows: tf.Tensor): tf.Tensor =>
  executeKernel('GatherV2', [], [x, rows, constant(0, 'int32')]);

/** Its gradient: x [M, H] is added at `rows` [M] of zeros → [count, H] */
export const scatterRows = (x: tf.Tensor, rows: tf.Tensor, count: number): tf.Tensor =>
  executeKernel('UnsortedSegmentSum', [], [x, rows, constant(count, 'int32')]);

/** dx = y · (dy − Σ dy · y) over the last axis */
export function softmaxGradient(y: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  const total = consume(multiply(dy, y), rowSum);
  const centred = consume(total, () => subtract(dy, total));
  return consume(centred, () => multiply(centred, y));
}

/** Mean of every map: [B, H, W, C] → [B, C] */
export function mapMean(x: tf.Tensor): tf.Tensor {
  const [B, H, W, C] = x.shape as [number, number, number, number];
  const window = [1, H, W, 1];
  const pooled = executeKernel(
    'AvgPool',
    [
      attribute.int('ksize', window),
      attribute.int('strides', window),
      attribute.string('padding', 'VALID'),
      attribute.string('data_format', 'NHWC'),
    ],
    [x],
  ); // [B, 1, 1, C]
  return consume(pooled, (mean) => reshape(mean, [B, C]));
}

/** [B, K, E] → [B, A, K, E / A] */
export function splitHeads(x: tf.Tensor, heads: number): tf.Tensor {
  const [B, K, E] = x.shape as [number, number, number];
  return consume(reshape(x, [B, K, heads, E / heads]), (split) => transpose(split, [0, 2, 1, 3]));
}

/** [B, A, K, D] → [B, K, A · D] */
export function mergeHeads(x: tf.Tensor): tf.Tensor {
  const [B, A, K, D] = x.shape as [number, number, number, number];
  return consume(transpose(x, [0, 2, 1, 3]), (merged) => reshape(merged, [B, K, A * D]));
}

/** One number for each map: x [B, C] → [B, 1, 1, C] */
export const perMap = (x: tf.Tensor): tf.Tensor => reshape(x, [x.shape[0] as number, 1, 1, x.shape[1] as number]);

/** Repeats x along its axes of size 1. */
export const broadcast = (x: tf.Tensor, shape: number[]): tf.Tensor => withIntegers('BroadcastTo', [], [x], shape);
