import { type Graph, type Node, transposeMatrix } from '@crosscheck/network';
import { type FloatConstant, GraphDraft } from './graph-draft.ts';

/** A matrix in 8 bits, as onnxruntime's MatMulNBits reads it: every `size` inputs of an output share a step. */
export interface Blocks {
  /** [out, blocks, size]; 128 stands for 0, and no value is 0, whose sums could overflow on older processors */
  values: Uint8Array;
  /** [out, blocks] */
  scales: Float32Array;
}

/** @param matrix [out, in] */
export function quantizeBlocks(
  matrix: Float32Array,
  [outputs, inputs]: readonly [number, number],
  size: number,
): Blocks {
  const blocks = Math.ceil(inputs / size);
  const values = new Uint8Array(outputs * blocks * size).fill(128);
  const scales = new Float32Array(outputs * blocks);
  for (let block = 0; block < scales.length; block++) {
    const [row, column] = [Math.floor(block / blocks), (block % blocks) * size];
    const part = matrix.subarray(row * inputs + column, row * inputs + Math.min(inputs, column + size));
    const largest = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const scale = Math.fround(largest / 127) || 1;
    scales[block] = scale;
    for (const [i, value] of part.entries()) values[block * size + i] = 128 + Math.round(value / scale);
  }
  return { values, scales };
}

/** The runtime knows blocks of 16, 32, …; one that is longer than a row would be filled up. */
export function blockSizeFor(inputs: number, wanted: number): number {
  let size = wanted;
  while (size > 16 && size / 2 >= inputs) size /= 2;
  return size;
}

export interface BlockOptions {
  /** Which nodes may change; only linear layers with a constant matrix do. */
  isQuantized: (node: Node) => boolean;
  /** How many inputs share a step. */
  blockSize: (node: Node) => number;
  /** What the channels of a value are divided by before they are rounded, and the weights multiplied by: [K] by the value's name. */
  smoothing: ReadonlyMap<string, Float32Array>;
}

/**
 * Linear layers as onnxruntime's MatMulNBits: weights in 8 bits with a step for each block of inputs, activations rounded to 8 bits row by row and
 * block by block while they are multiplied. What a row becomes depends on that row alone.
 */
export function quantizeLinears(graph: Graph, options: BlockOptions): Graph {
  const draft = new GraphDraft(graph);
  for (const node of graph.nodes) {
    const linear = options.isQuantized(node) ? linearOf(node, (name) => draft.weight(name)) : null;
    if (linear === null) draft.copy(node);
    else quantizeLinear(draft, { node, linear, options });
  }
  return draft.finish();
}

export interface Linear {
  /** [K] channels of this value are read. */
  input: string;
  output: string;
  weight: string;
  /** [out, in] */
  shape: readonly [number, number];
  /** [out, in] */
  read: () => Promise<Float32Array>;
  bias: string | null;
}

/** The linear layer that a node is; null for others. */
export function linearOf(
  { op, inputs, outputs, attributes }: Node,
  weight: (name: string | undefined) => FloatConstant | null,
): Linear | null {
  const constant = weight(inputs[1]);
  const isMatrix = op === 'MatMul' || (op === 'Gemm' && attributes.transB === 1);
  if (constant === null || !isMatrix) return null;
  const { name, shape, read } = constant;
  const [rows, columns] = shape as [number, number];
  const ends = { input: inputs[0] as string, output: outputs[0] as string, bias: inputs[2] ?? null, weight: name };
  if (op === 'Gemm') return { ...ends, shape: [rows, columns], read };
  return { ...ends, shape: [columns, rows], read: async () => transposeMatrix(await read(), rows, columns) };
}

interface Rewritten {
  node: Node;
  linear: Linear;
  options: BlockOptions;
}

function quantizeLinear(draft: GraphDraft, { node, linear, options }: Rewritten): void {
  const { input, output, weight, shape, read, bias } = linear;
  const [outputs, inputs] = shape;
  const size = blockSizeFor(inputs, options.blockSize(node));
  const smoothing = options.smoothing.get(input);
  const quantize = async () => {
    const matrix = await read();
    return quantizeBlocks(
      smoothing ? matrix.map((w, i) => w * (smoothing[i % inputs] as number)) : matrix,
      shape,
      size,
    );
  };
  const blocks = Math.ceil(inputs / size);
  const values = draft.constant(
    `${weight}/blocks`,
    'uint8',
    [outputs, blocks, size],
    async () => (await quantize()).values,
  );
  const scales = draft.constant(
    `${weight}/scales`,
    'float32',
    [outputs, blocks],
    async () => (await quantize()).scales,
  );
  const x = smoothing ? smooth(draft, input, smoothing) : input;
  const attributes = { K: inputs, N: outputs, bits: 8, block_size: size, accuracy_level: 4 };
  draft.addFused('MatMulNBits', [x, values, scales, ...(bias === null ? [] : ['', '', bias])], output, attributes);
}

/** Query, key and value read the same activations, which are divided once. */
function smooth(draft: GraphDraft, input: string, smoothing: Float32Array): string {
  const smoothed = `${input}/smoothed`;
  const factor = draft.constant(`${smoothed}/factor`, 'float32', [smoothing.length], () => smoothing.map((s) => 1 / s));
  return draft.has(smoothed) ? smoothed : draft.add('Mul', [input, factor], [smoothed]);
}
