import type { Graph } from '@crosscheck/network';
import { type FloatConstant, GraphDraft } from './graph-draft.ts';

const float32 = 1; // TensorProto.DataType, for Cast
/** Smaller constants are not worth a node. */
const smallestHalved = 1024;

/**
 * Stores large weights as float16 and computes in float32 as before: half the file, the same speed. A table that is gathered from is widened
 * after the gathering; other weights are widened when the model is loaded.
 *
 * @param isHalved which weights, by name
 */
export function halveWeights(graph: Graph, isHalved: (name: string) => boolean = () => true): Graph {
  const draft = new GraphDraft(graph);
  const large = (name: string | undefined) => {
    const weight = draft.weight(name);
    const size = weight?.shape.reduce((product, side) => product * side, 1) ?? 0;
    return size >= smallestHalved && isHalved(name ?? '') ? weight : null;
  };
  for (const node of graph.nodes) {
    const table = node.op === 'Gather' ? large(node.inputs[0]) : null;
    if (table) {
      const [output] = node.outputs as [string];
      draft.copy(node, { inputs: [halve(draft, table), ...node.inputs.slice(1)], outputs: [`${output}/half`] });
      draft.add('Cast', [`${output}/half`], [output], { to: float32 });
      continue;
    }
    const inputs = node.inputs.map((name) => {
      const weight = large(name);
      if (!weight) return name;
      const widened = `${name}/float`;
      if (!draft.has(widened)) draft.add('Cast', [halve(draft, weight)], [widened], { to: float32 });
      return widened;
    });
    draft.copy(node, { inputs });
  }
  return draft.finish();
}

function halve(draft: GraphDraft, { name, shape, read }: FloatConstant): string {
  return draft.constant(`${name}/half`, 'float16', shape, async () => toHalfBits(await read()));
}

/** IEEE 754 binary16, to nearest, ties to even; beyond ±65504 is infinite. */
export function toHalfBits(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i] as number;
    halves[i] = ((word >>> 16) & 0x8000) | halfMagnitude(word & 0x7fffffff, Math.abs(values[i] as number));
  }
  return halves;
}

function halfMagnitude(bits: number, magnitude: number): number {
  if (bits > 0x7f800000) return 0x7e00; // NaN
  if (bits >= 0x477ff000) return 0x7c00; // rounds to infinity
  if (bits < 0x38800000) return roundHalfEven(magnitude * 2 ** 24); // subnormal: steps of 2^−24
  const rest = bits - 0x38000000; // exponent bias 127 → 15
  return (rest + 0xfff + ((rest >>> 13) & 1)) >>> 13;
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest === 0.5) return floor + (floor % 2);
  return rest > 0.5 ? floor + 1 : floor;
}
