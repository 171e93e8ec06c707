import { transposeMatrix } from '@crosscheck/weights';
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts';

/** Tensors of a checkpoint, by the names of the PyTorch reference. */
export interface WeightSource {
  shape(name: string): readonly number[];
  read(name: string): Promise<Float32Array>;
}

/** What every part of the network is built with. */
export interface NetworkContext {
  graph: GraphBuilder;
  weights: WeightSource;
  opset: number;
  /** Where onnxruntime's fused operators may stand. */
  fused: { vision: boolean; text: boolean };
}

/** A tensor as it stands in the checkpoint. */
export function plainWeight({ graph, weights }: NetworkContext, name: string): Value {
  return graph.weight(name, weights.shape(name), () => weights.read(name));
}

/** A tensor times a constant, as attention's 1/√dHead is carried by the query projection. */
export function scaledWeight({ graph, weights }: NetworkContext, name: string, scale: number): Value {
  return graph.weight(`${name}.scaled`, weights.shape(name), async () => multiply(await weights.read(name), scale));
}

/** A linear layer's [out, in] weight as [in, out], which MatMul wants. */
export function transposedWeight({ graph, weights }: NetworkContext, name: string, scale = 1): Value {
  const [rows, columns] = weights.shape(name) as [number, number];
  const suffix = scale === 1 ? 'transposed' : 'transposed.scaled';
  const read = async () => multiply(transposeMatrix(await weights.read(name), rows, columns), scale);
  return graph.weight(`${name}.${suffix}`, [columns, rows], read);
}

/** Batch norm in evaluation is y = x·gain + shift per channel, which the convolution before it can carry (exact up to rounding). */
export function foldedConvolution(
  { graph, weights }: NetworkContext,
  { conv, norm, epsilon }: { conv: string; norm: string; epsilon: number },
): [Value, Value] {
  const name = `${conv}.weight`;
  const shape = weights.shape(name); // [out, in/groups, k, k]
  const foldedWeight = async () => {
    const values = await weights.read(name);
    const { gain } = await batchNormAffine(weights, norm, epsilon);
    const perChannel = values.length / gain.length;
    return values.map((value, i) => value * (gain[Math.floor(i / perChannel)] as number));
  };
  const foldedBias = async () => Float32Array.from((await batchNormAffine(weights, norm, epsilon)).shift);
  return [
    graph.weight(`${name}.folded`, shape, foldedWeight),
    graph.weight(`${conv}.bias.folded`, [shape[0] as number], foldedBias),
  ];
}

/** In double precision, so that the only rounding is that of the stored result. */
async function batchNormAffine(weights: WeightSource, norm: string, epsilon: number) {
  const [gamma, beta, mean, variance] = (await Promise.all(
    ['weight', 'bias', 'running_mean', 'running_var'].map((part) => weights.read(`${norm}.${part}`)),
  )) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const gain = Float64Array.from(gamma, (g, c) => g / Math.sqrt((variance[c] as number) + epsilon));
  const shift = Float64Array.from(beta, (b, c) => b - (mean[c] as number) * (gain[c] as number));
  return { gain, shift };
}

function multiply(values: Float32Array, scale: number): Float32Array {
  return scale === 1 ? values : values.map((value) => value * scale);
}
