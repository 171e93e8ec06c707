// Matrix products of bfloat16 numbers. TensorFlow.js has no such type, so these tensors are plain handles of TensorFlow's runtime:
// no scope frees them.
import { type Attribute, attribute, backend } from './kernels.ts';
import type * as tf from './tfjs.ts';

const float = 1; // DT_FLOAT of tensorflow/core/framework/types.proto
const bfloat16 = 14; // DT_BFLOAT16

/** A tensor of bfloat16 numbers, to be freed by `dispose`. */
export interface Bfloat16Tensor {
  readonly id: number;
  dispose(): void;
}

function execute(name: string, attributes: Attribute[], ids: number[]) {
  const [output] = backend.binding.executeOp(name, attributes, ids, 1);
  if (!output) throw new Error(`${name} has no output`);
  return output;
}

/** Rounds to 8 significant bits. */
export function toBfloat16(x: tf.Tensor): Bfloat16Tensor {
  const { id } = execute('Cast', [attribute.type('DstT', bfloat16)], backend.getInputTensorIds([x]));
  return { id, dispose: () => backend.binding.deleteTensor(id) };
}

/** a · b of matrices, computed in bfloat16 with sums in float32, as float32; either may be transposed. */
export function matMulBfloat16(
  a: Bfloat16Tensor,
  b: Bfloat16Tensor,
  { transposeA = false, transposeB = false }: { transposeA?: boolean; transposeB?: boolean } = {},
): tf.Tensor {
  const attributes = [attribute.bool('transpose_a', transposeA), attribute.bool('transpose_b', transposeB)];
  return fromBfloat16(execute('MatMul', attributes, [a.id, b.id]).id);
}

/** As float32; frees the tensor of that id. */
export function fromBfloat16(id: number): tf.Tensor {
  const result = execute('Cast', [attribute.type('DstT', float)], [id]);
  backend.binding.deleteTensor(id);
  return backend.createOutputTensor(result);
}
