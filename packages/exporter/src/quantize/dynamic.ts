import type { Graph, Node } from '@crosscheck/network';
import { transposeMatrix } from '@crosscheck/network';
import { channelScales, lastAxis, quantizeChannels } from './channels.ts';
import { type FloatConstant, GraphDraft } from './graph-draft.ts';

/**
 * Linear layers in int8: weights per output channel, activations as u8 with a scale of their own in every run. In ONNX's own operators,
 * which onnxruntime fuses into one (DynamicQuantizeMatMul).
 *
 * @param isQuantized which nodes may change; only those with a constant weight do
 */
export function quantizeLinears(graph: Graph, isQuantized: (node: Node) => boolean): Graph {
  const draft = new GraphDraft(graph);
  for (const node of graph.nodes) {
    const linear = isQuantized(node) ? linearOf(node, draft) : null;
    if (linear === null) draft.copy(node);
    else quantizeLinear(draft, linear);
  }
  return draft.finish();
}

interface Linear {
  input: string;
  output: string;
  /** Name of the [in, out] matrix in int8. */
  weight: string;
  shape: readonly [number, number];
  /** [in, out] */
  read: () => Promise<Float32Array>;
  bias: string | null;
}

function linearOf({ op, inputs, outputs, attributes }: Node, draft: GraphDraft): Linear | null {
  const constant = draft.weight(inputs[1]);
  const isMatrix = op === 'MatMul' || (op === 'Gemm' && attributes.transB === 1);
  if (constant === null || !isMatrix) return null;
  const ends = { input: inputs[0] as string, output: outputs[0] as string, bias: inputs[2] ?? null };
  return { ...ends, ...(op === 'Gemm' ? transposed(constant) : plain(constant)) };
}

function plain({ name, shape, read }: FloatConstant): Pick<Linear, 'weight' | 'shape' | 'read'> {
  return { weight: name, shape: shape as [number, number], read };
}

function transposed({ name, shape, read }: FloatConstant): Pick<Linear, 'weight' | 'shape' | 'read'> {
  const [rows, columns] = shape as [number, number];
  return {
    weight: `${name}.transposed`,
    shape: [columns, rows],
    read: async () => transposeMatrix(await read(), rows, columns),
  };
}

function quantizeLinear(draft: GraphDraft, { input, output, weight, shape, read, bias }: Linear): void {
  const layout = lastAxis(shape);
  const scales = async () => channelScales(await read(), layout);
  const quantized = draft.constant(`${weight}/int8`, 'int8', shape, async () => {
    const values = await read();
    return quantizeChannels(values, channelScales(values, layout), layout);
  });
  const scale = draft.constant(`${weight}/scale`, 'float32', [layout.channels], scales);
  const zero = draft.constant(`${weight}/zero`, 'int8', [layout.channels], () => new Int8Array(layout.channels));

  const activations = quantizeActivations(draft, input);
  const integers = draft.add(
    'MatMulInteger',
    [activations.values, quantized, activations.zero, zero],
    [`${output}/int32`],
  );
  const floats = draft.add('Cast', [integers], [`${output}/float`], { to: 1 });
  const product = draft.add('Mul', [activations.scale, scale], [`${output}/scale`]);
  if (bias === null) draft.add('Mul', [floats, product], [output]);
  else draft.add('Add', [draft.add('Mul', [floats, product], [`${output}/product`]), bias], [output]);
}

/** Query, key and value read the same activations, which are quantised once. */
function quantizeActivations(draft: GraphDraft, input: string) {
  const names = { values: `${input}/u8`, scale: `${input}/u8/scale`, zero: `${input}/u8/zero` };
  if (!draft.has(names.values)) draft.add('DynamicQuantizeLinear', [input], [names.values, names.scale, names.zero]);
  return names;
}
