import type { Graph, Node } from '@crosscheck/network';
import { channelScales, firstAxis, quantizeChannels } from '../channels.ts';
import { type FloatConstant, GraphDraft } from '../graph-draft.ts';
import type { Range } from './range-histogram.ts';

/** Quantising convolutions alone is slower than fp32: sums between them stay in int8, too. */
const staticOps = ['Conv', 'Add'];

export const isStaticNode = ({ op, name }: Node): boolean =>
  name.startsWith('vision/features.') && staticOps.includes(op);

/** The value that a node leaves to others: what ReLU6 makes of it where that alone reads it, because the runtime computes both in one. */
export function resultsOf(graph: Graph): (node: Node) => string {
  const readersOf = new Map<string, Node[]>();
  for (const node of graph.nodes)
    for (const input of node.inputs) readersOf.set(input, [...(readersOf.get(input) ?? []), node]);
  return ({ outputs }) => {
    const [output] = outputs as [string];
    const [reader, ...others] = readersOf.get(output) ?? [];
    return reader?.op === 'Clip' && others.length === 0 ? (reader.outputs[0] as string) : output;
  };
}

/** Every activation that a quantised node reads or leaves. */
export function activationsToCalibrate(graph: Graph, isQuantized: (node: Node) => boolean): string[] {
  const constants = new Set(graph.initializers.map(({ name }) => name));
  const resultOf = resultsOf(graph);
  const values = graph.nodes.filter(isQuantized).flatMap((node) => [...node.inputs, resultOf(node)]);
  return [...new Set(values.filter((value) => !constants.has(value)))];
}

export interface StaticOptions {
  isQuantized: (node: Node) => boolean;
  /** Of every activation that `activationsToCalibrate` names. */
  ranges: ReadonlyMap<string, Range>;
  /** Rounded weights of convolutions by name, in steps of `channelScales`; by default each goes to the nearest. */
  rounded?: ReadonlyMap<string, Int8Array>;
}

/**
 * Convolutions in int8 in the QDQ form: every activation passes a QuantizeLinear and a DequantizeLinear, weights are int8 per output channel,
 * and the runtime turns each operator between them into its integer kernel. Scales are fixed, so a post does not depend on its batch.
 */
export function quantizeStatic(graph: Graph, { isQuantized, ranges, rounded }: StaticOptions): Graph {
  const draft = new GraphDraft(graph);
  const wanted = new Set(activationsToCalibrate(graph, isQuantized));
  const stepsBy = new Map([...ranges].filter(([value]) => wanted.has(value)).map(([v, range]) => [v, stepsOf(range)]));
  const read = (value: string) => {
    const steps = stepsBy.get(value);
    if (steps && !draft.has(`${value}/u8`)) roundActivation(draft, value, steps);
    return steps ? `${value}/dequantized` : value;
  };
  const resultOf = resultsOf(graph);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(read);
    const result = resultOf(node);
    if (draft.has(node.outputs[0] as string)) continue; // a ReLU6: the ends of the range that its convolution is rounded to clip as it does
    if (node.op !== 'Conv' || !isQuantized(node)) draft.copy(node, { inputs });
    else {
      const input = stepsBy.get(node.inputs[0] as string) as Steps;
      const weights = quantizeConvolution(draft, node, { input, rounded });
      draft.copy(node, { inputs: [inputs[0] as string, ...weights], outputs: [result] });
    }
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

function roundActivation(draft: GraphDraft, value: string, steps: Steps): void {
  const scale = draft.constant(`${value}/scale`, 'float32', [], () => Float32Array.of(steps.scale));
  const zero = draft.constant(`${value}/zero`, 'uint8', [], () => Uint8Array.of(steps.zero));
  draft.add('QuantizeLinear', [value, scale, zero], [`${value}/u8`]);
  draft.add('DequantizeLinear', [`${value}/u8`, scale, zero], [`${value}/dequantized`]);
}

/** The bias is added to the sum of products before it is scaled, so it is an int32 in steps of input scale × weight scale. */
function quantizeConvolution(
  draft: GraphDraft,
  node: Node,
  { input, rounded }: { input: Steps; rounded: StaticOptions['rounded'] },
): string[] {
  const [weightName, biasName] = node.inputs.slice(1) as [string, string];
  const [weight, bias] = [draft.weight(weightName), draft.weight(biasName)] as [FloatConstant, FloatConstant];
  const layout = firstAxis(weight.shape);
  const scales = async () => channelScales(await weight.read(), layout);
  const biasScales = async () => (await scales()).map((scale) => scale * input.scale);
  const perChannel = [layout.channels];
  const weightParts = [
    draft.constant(`${weightName}/int8`, 'int8', weight.shape, async () => {
      const values = await weight.read();
      return rounded?.get(weightName) ?? quantizeChannels(values, channelScales(values, layout), layout);
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
  return [dequantize(weightName, weightParts), dequantize(biasName, biasParts)];
}
