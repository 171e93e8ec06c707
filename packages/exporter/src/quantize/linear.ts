import { type Node, transposeMatrix } from '@crosscheck/network';
import type { FloatConstant } from './graph-draft.ts';

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
