import type { ForwardOps, Tensor } from '../graph/ops.ts';
import { parameter, type Shape } from '../graph/tensors.ts';
import { apply, type Layer, type Value } from '../graph/value.ts';
import { type OnnxInputs, type OnnxValue, weight } from '../onnx/context.ts';
import { widthOf } from './linear.ts';

interface AbsenceOptions {
  /** The learned vector, [E]. */
  name: string;
  part: 'image' | 'text';
}

/** 1 for each post that has the part and 0 for each that lacks it, and the reverse, [B, 1] or [B, 1, 1]. */
function marks(ops: ForwardOps, has: Float32Array, x: Tensor): { present: Tensor; absent: Tensor } {
  const shape = [has.length, ...x.shape.slice(1).map(() => 1)];
  return {
    present: ops.constant(has, shape),
    absent: ops.constant(
      has.map((mark) => 1 - mark),
      shape,
    ),
  };
}

/** Puts a learned vector in the place of what a post lacks; rows that are there stay bit for bit as they are. */
const layer: Layer<AbsenceOptions> = {
  parameters: ({ name }, [x]) => [
    parameter(name, [widthOf(x as Shape)], { initial: { rule: 'normal', deviation: 0.02 } }),
  ],
  shape: (_, [x]) => x as Shape,
  forward(ops, { options, inputs }) {
    const [x] = inputs as [Tensor];
    const has = ops.presence(options.part);
    if (has === null) return { y: ops.view(x) };
    const { present, absent } = marks(ops, has, x);
    return { y: ops.add(ops.multiply(x, present), ops.multiply(ops.weight(options.name), absent)) };
  },
  backward(ops, { options, dy }) {
    const has = ops.presence(options.part);
    if (has === null) return [ops.view(dy)];
    const { present, absent } = marks(ops, has, dy);
    ops.learn(options.name, () => ops.columnSum(ops.multiply(dy, absent)));
    return [ops.multiply(dy, present)];
  },
  onnx(context, { options, inputs: [x], shapes: [shape] }) {
    const { graph, inputs } = context;
    const path = `fusion/absent/${options.part}`;
    const perPost = (shape as Shape).length === 2 ? graph.ints(0, 1) : graph.ints(0, 1, 1);
    const absent = (inputs.absent as NonNullable<OnnxInputs['absent']>)[options.part];
    const isAbsent = graph.node('Reshape', path, [absent, perPost]); // [B, 1] or [B, 1, 1]
    return graph.node('Where', path, [isAbsent, weight(context, options.name), x as OnnxValue]);
  },
};

export const standIn = (x: Value, options: AbsenceOptions): Value => apply(layer, options, [x]);
