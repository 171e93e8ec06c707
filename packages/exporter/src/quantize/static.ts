import type { Graph, Node } from '@crosscheck/network';
import { channelScales, firstAxis, quantizeChannels } from './channels.ts';
import { type FloatConstant, GraphDraft } from './graph-draft.ts';
import type { Range } from './range-histogram.ts';

/** Quantising convolutions alone is slower than fp32: what stands between them must stay in int8, too. */
const quantizedOps = ['Conv', 'Add', 'Mul', 'Sigmoid', 'GlobalAveragePool', 'ReduceMean'];

/**
 * The vision nodes that are quantised. The stem and the first block stay in fp32: their gate over the largest maps is slower in int8 and
 * costs the most precision.
 */
export function isQuantizedVision({ op, name }: Node): boolean {
  const isWide = name.startsWith('vision/features.0/') || name.startsWith('vision/features.1.0/');
  const isProjection = name.startsWith('vision/projection'); // a linear layer, which is quantised as such
  return name.startsWith('vision/') && !isWide && !isProjection && quantizedOps.includes(op);
}

/** Every activation that a quantised node reads or writes. */
export function activationsToCalibrate(graph: Graph): string[] {
  const constants = new Set(graph.initializers.map(({ name }) => name));
  const values = graph.nodes
    .filter(isQuantizedVision)
    .flatMap(({ op, inputs, outputs }) => [...(op === 'ReduceMean' ? inputs.slice(0, 1) : inputs), ...outputs]);
  return [...new Set(values.filter((value) => !constants.has(value)))];
}

/**
 * Vision in int8 in the QDQ form: every activation passes a QuantizeLinear and a DequantizeLinear, weights are int8 per output channel,
 * and the runtime turns each operator between them into its integer kernel.
 *
 * @param ranges of every activation that `activationsToCalibrate` names
 */
export function quantizeVision(graph: Graph, ranges: ReadonlyMap<string, Range>): Graph {
  const draft = new GraphDraft(graph);
  const steps = new Map([...ranges].map(([value, range]) => [value, stepsOf(range)]));
  const rounded = (value: string) => (steps.has(value) ? `${value}/dequantized` : value);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(rounded);
    if (!isQuantizedVision(node)) draft.copy(node, { inputs });
    else if (node.op === 'Conv') quantizeConvolution(draft, node, steps.get(node.inputs[0] as string) as Steps);
    // A mean over integers is exact, and only this operator has an integer kernel.
    else if (node.op === 'ReduceMean')
      draft.copy(node, { op: 'GlobalAveragePool', inputs: inputs.slice(0, 1), attributes: {} });
    else draft.copy(node, { inputs });
    for (const value of node.outputs) roundActivation(draft, value, steps.get(value));
  }
  return draft.finish();
}

interface Steps {
  scale: number;
  zero: number;
}

/** 256 steps over a range that holds 0 exactly. */
function stepsOf({ low, high }: Range): Steps {
  const [from, to] = [Math.min(0, low), Math.max(0, high)];
  const scale = Math.fround((to - from) / 255) || 1;
  return { scale, zero: Math.min(255, Math.max(0, Math.round(-from / scale))) };
}

function roundActivation(draft: GraphDraft, value: string, steps: Steps | undefined): void {
  if (!steps) return;
  const scale = draft.constant(`${value}/scale`, 'float32', [], () => Float32Array.of(steps.scale));
  const zero = draft.constant(`${value}/zero`, 'uint8', [], () => Uint8Array.of(steps.zero));
  draft.add('QuantizeLinear', [value, scale, zero], [`${value}/u8`]);
  draft.add('DequantizeLinear', [`${value}/u8`, scale, zero], [`${value}/dequantized`]);
}

/** The bias is added to the sum of products before it is scaled, so it is an int32 in steps of input scale × weight scale. */
function quantizeConvolution(draft: GraphDraft, node: Node, input: Steps): void {
  const [x, weightName, biasName] = node.inputs as [string, string, string];
  const [weight, bias] = [draft.weight(weightName), draft.weight(biasName)] as [FloatConstant, FloatConstant];
  const layout = firstAxis(weight.shape);
  const scales = async () => channelScales(await weight.read(), layout);
  const biasScales = async () => (await scales()).map((scale) => scale * input.scale);
  const perChannel = [layout.channels];
  const weightParts = [
    draft.constant(`${weightName}/int8`, 'int8', weight.shape, async () => {
      const values = await weight.read();
      return quantizeChannels(values, channelScales(values, layout), layout);
    }),
    draft.constant(`${weightName}/scale`, 'float32', perChannel, scales),
    draft.constant(`${weightName}/zero`, 'int8', perChannel, () => new Int8Array(layout.channels)),
  ];
  const biasParts = [
    draft.constant(`${biasName}/int32`, 'int32', perChannel, async () => {
      const [values, steps] = await Promise.all([bias.read(), biasScales()]);
      return Int32Array.from(values, (value, c) => Math.round(value / (steps[c] as number)));
    }),
    draft.constant(`${biasName}/scale`, 'float32', perChannel, biasScales),
    draft.constant(`${biasName}/zero`, 'int32', perChannel, () => new Int32Array(layout.channels)),
  ];
  const dequantize = (name: string, parts: string[]) =>
    draft.add('DequantizeLinear', parts, [`${name}/dequantized`], { axis: 0 });
  draft.copy(node, {
    inputs: [`${x}/dequantized`, dequantize(weightName, weightParts), dequantize(biasName, biasParts)],
  });
}
