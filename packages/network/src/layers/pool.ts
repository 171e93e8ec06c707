import type { Tensor } from '../graph/ops.ts';
import type { Shape } from '../graph/tensors.ts';
import { apply, type Layer, type Value } from '../graph/value.ts';
import type { OnnxContext, OnnxValue } from '../onnx/context.ts';
import { widthOf } from './linear.ts';

/** Pixels per side above which GlobalAveragePool is too coarse. */
const largestPooledSide = 28;

/**
 * Mean over pixels. onnxruntime's blocked GlobalAveragePool adds floats one after another: over 112² pixels its error (1.6e-5 of a gate)
 * grew to 5e-5 of the features. ReduceMean adds pairwise; on the three largest maps it brings that to 1e-5 at the same speed.
 *
 * @returns [B, C, 1, 1]
 */
// oxlint-disable-next-line max-params -- where, of what, and how large it is
export function poolOnnx({ graph }: OnnxContext, path: string, x: OnnxValue, [, side]: Shape): OnnxValue {
  if ((side as number) <= largestPooledSide) return graph.node('GlobalAveragePool', path, [x]);
  return graph.node('ReduceMean', path, [x, graph.ints(2, 3)], { keepdims: 1 });
}

export const poolLayer: Layer<{ path: string }> = {
  shape: (_, [x]) => ['B', widthOf(x as Shape)],
  reads: 'inputs',
  forward: (ops, { inputs: [x] }) => ({ y: ops.mapMean(x as Tensor) }),
  backward: (ops, { inputs: [x], dy }) => [ops.mapMeanGradient(x as Tensor, dy)],
  onnx(context, { options: { path }, inputs: [x], shapes: [shape] }) {
    const pooled = poolOnnx(context, path, x as OnnxValue, shape as Shape); // [B, C, 1, 1]
    return context.graph.node('Flatten', path, [pooled], { axis: 1 }); // [B, C]
  },
};

/** Mean of every map: x [B, H, W, C] → [B, C] */
export const pool = (x: Value, options: { path: string }): Value => apply(poolLayer, options, [x]);

const regionsLayer: Layer<{ path: string }> = {
  shape: (_, [x]) => {
    const [, H, W, C] = x as ['B', number, number, number];
    return ['B', H * W, C];
  },
  reads: 'inputs',
  forward: (ops, { inputs: [x] }) => {
    const [B, , , C] = (x as Tensor).shape as [number, number, number, number];
    return { y: ops.reshape(x as Tensor, [B, -1, C]) };
  },
  backward: (ops, { inputs: [x], dy }) => [ops.reshape(dy, (x as Tensor).shape)],
  onnx({ graph }, { options: { path }, inputs: [x], shapes: [shape] }) {
    const [, H, W, C] = shape as ['B', number, number, number];
    const flat = graph.node('Reshape', path, [x as OnnxValue, graph.ints(0, C, H * W)]); // [B, C, R]
    return graph.node('Transpose', path, [flat], { perm: [0, 2, 1] }); // [B, R, C]
  },
};

/** The pixels of the maps one after the other: x [B, H, W, C] → [B, R, C] with R = H · W */
export const regions = (x: Value, options: { path: string }): Value => apply(regionsLayer, options, [x]);
