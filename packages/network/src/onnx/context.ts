import { transposeMatrix } from '../layout.ts';
import type { GraphBuilder, OnnxValue } from './graph-builder.ts';

export type { OnnxValue };

/** Tensors of a checkpoint, by the names of the PyTorch reference. */
export interface WeightSource {
  shape(name: string): readonly number[];
  read(name: string): Promise<Float32Array>;
}

/** Where layers write their nodes, and what they may write. */
export interface OnnxContext {
  graph: GraphBuilder;
  weights: WeightSource;
  opset: number;
  /** Whether onnxruntime's fused operators may stand at a path. */
  mayFuse: (path: string) => boolean;
  /** The graph's own inputs, and what is made of them once. */
  inputs: OnnxInputs;
}

export interface OnnxInputs {
  image: OnnxValue; // [B, 3, S, S]
  inputIds: OnnxValue; // [B, L]
  attentionMask: OnnxValue; // [B, L]
  /** Added to attention scores: 0 on tokens, −1e9 on padding, [B, 1, 1, L]. */
  maskBias: OnnxValue;
  /** 1 on tokens, 0 on padding, [B, L] int32; where fused attention takes it. */
  keep: OnnxValue;
  /** Whether each post lacks a part: image [B, 1, 1, 1] and text [B, 1], bool; null where none may. */
  absent: { image: OnnxValue; text: OnnxValue } | null;
}

/** Far below any score, far above −∞, so that a fully masked row stays finite. */
export const maskedScore = 1e9;

/** A tensor as it stands in the checkpoint, or times a constant. */
export function weight({ graph, weights }: OnnxContext, name: string, factor = 1): OnnxValue {
  const read = async () => times(await weights.read(name), factor);
  return graph.weight(factor === 1 ? name : `${name}.scaled`, weights.shape(name), read);
}

/** A linear layer's [out, in] weight as [in, out], which MatMul wants. */
export function transposedWeight({ graph, weights }: OnnxContext, name: string, factor = 1): OnnxValue {
  const [rows, columns] = weights.shape(name) as [number, number];
  const suffix = factor === 1 ? 'transposed' : 'transposed.scaled';
  const read = async () => times(transposeMatrix(await weights.read(name), rows, columns), factor);
  return graph.weight(`${name}.${suffix}`, [columns, rows], read);
}

const times = (values: Float32Array, factor: number) => (factor === 1 ? values : values.map((value) => value * factor));
