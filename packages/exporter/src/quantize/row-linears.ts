import { type Graph, type Node, transposeMatrix } from '@crosscheck/network';
import { channelScales, lastAxis, quantizeChannels } from './channels.ts';
import { GraphDraft } from './graph-draft.ts';
import { type Linear, linearOf } from './linear.ts';

/** How the rows of a value are rounded. */
export interface RowRounding {
  /** [K] what its channels are divided by before they are rounded, and the weights multiplied by. */
  smoothing: Float32Array;
  /** Channels that reach so much further than the others that they would take the steps from them; they are multiplied in fp32. */
  outliers: readonly number[];
  /** Nothing below 0 was seen, so that all steps lie above. */
  isPositive: boolean;
}

export interface RowOptions {
  /** Which nodes may change; only linear layers with a constant matrix do. */
  isQuantized: (node: Node) => boolean;
  /** By the name of the value that a layer reads. */
  roundings: ReadonlyMap<string, RowRounding>;
}

/**
 * Linear layers in int8 on both sides: each row of activations is divided by its largest magnitude and rounded to as many steps as a byte has,
 * weights have a step for each output. What a row becomes depends on that row alone, and every scale that the integer product knows is fixed.
 */
export function quantizeRows(graph: Graph, { isQuantized, roundings }: RowOptions): Graph {
  const draft = new GraphDraft(graph);
  for (const node of graph.nodes) {
    const linear = isQuantized(node) ? linearOf(node, (name) => draft.weight(name)) : null;
    if (linear === null) draft.copy(node);
    else quantizeLinear(draft, linear, roundings.get(linear.input) as RowRounding);
  }
  return draft.finish();
}

function quantizeLinear(draft: GraphDraft, linear: Linear, rounding: RowRounding): void {
  const { input, output, bias } = linear;
  const { rounded, reach, step, zero } = roundRows(draft, input, rounding);
  const { values, steps, weightZero } = roundWeights(draft, linear, rounding);
  draft.addFused(
    'MatMulIntegerToFloat',
    [rounded, values, step, steps, zero, weightZero],
    `${output}/share`, // [.., out], of what each row reaches
    {},
  );
  const exact = rounding.outliers.length === 0 ? [] : [multiplyOutliers(draft, linear, rounding)];
  const terms = [...exact, ...(bias === null ? [] : [bias])];
  const named = (i: number) => [i === terms.length ? output : `${output}/sum.${i}`];
  const product = draft.add('Mul', [`${output}/share`, reach], named(0));
  terms.reduce((sum, term, i) => draft.add('Add', [sum, term], named(i + 1)), product);
}

/** Query, key and value read the same activations, which are rounded once. */
function roundRows(draft: GraphDraft, input: string, { smoothing, outliers, isPositive }: RowRounding) {
  const kind = isPositive ? { name: 'positive', scale: 1 / 255, zero: 0 } : { name: 'even', scale: 1 / 127, zero: 128 };
  const step = draft.constant(`rows/${kind.name}/scale`, 'float32', [], () => Float32Array.of(kind.scale));
  const zero = draft.constant(`rows/${kind.name}/zero`, 'uint8', [], () => Uint8Array.of(kind.zero));
  const row = { rounded: `${input}/row/u8`, reach: `${input}/row/reach`, step, zero };
  if (draft.has(row.rounded)) return row;
  const factor = draft.constant(`${input}/row/factor`, 'float32', [smoothing.length], () =>
    smoothing.map((s, channel) => (outliers.includes(channel) ? 0 : 1 / s)),
  );
  const axes = draft.constant('rows/axes', 'int64', [1], () => BigInt64Array.of(-1n));
  const least = draft.constant('rows/least', 'float32', [], () => Float32Array.of(1e-12)); // a row of zeros stays one
  const smoothed = draft.add('Mul', [input, factor], [`${input}/row/smoothed`]); // [.., K]
  const magnitude = isPositive ? smoothed : draft.add('Abs', [smoothed], [`${input}/row/magnitude`]);
  const largest = draft.add('ReduceMax', [magnitude, axes], [`${input}/row/largest`], { keepdims: 1 }); // [.., 1]
  draft.add('Max', [largest, least], [row.reach]);
  const share = draft.add('Div', [smoothed, row.reach], [`${input}/row/share`]); // [.., K] in −1 … 1
  draft.add('QuantizeLinear', [share, step, zero], [row.rounded]);
  return row;
}

function roundWeights(draft: GraphDraft, linear: Linear, rounding: RowRounding) {
  const { weight, shape } = linear;
  const [outputs, inputs] = shape;
  const layout = lastAxis([inputs, outputs]);
  const scaled = async () => {
    const matrix = await smoothedMatrix(linear, rounding);
    return { matrix, scales: channelScales(matrix, layout) };
  };
  const values = draft.constant(`${weight}/int8`, 'int8', [inputs, outputs], async () => {
    const { matrix, scales } = await scaled();
    return quantizeChannels(matrix, scales, layout);
  });
  const steps = draft.constant(`${weight}/scale`, 'float32', [outputs], async () => (await scaled()).scales);
  return { values, steps, weightZero: draft.constant('rows/weight/zero', 'int8', [], () => new Int8Array(1)) };
}

/** [in, out], each input times its smoothing; outliers are 0. */
async function smoothedMatrix({ shape, read }: Linear, { smoothing, outliers }: RowRounding): Promise<Float32Array> {
  const [outputs, inputs] = shape;
  const factors = smoothing.map((s, channel) => (outliers.includes(channel) ? 0 : s));
  const rows = (await read()).map((w, i) => w * (factors[i % inputs] as number));
  return transposeMatrix(rows, outputs, inputs);
}

/** What the outliers add to the product, [.., out]. */
function multiplyOutliers(draft: GraphDraft, linear: Linear, { outliers }: RowRounding): string {
  const { input, output, weight, shape, read } = linear;
  const [outputs, inputs] = shape;
  const picked = `${input}/row/outliers`; // [.., n]
  const channels = draft.constant(`${picked}/channels`, 'int64', [outliers.length], () =>
    BigInt64Array.from(outliers, BigInt),
  );
  if (!draft.has(picked)) draft.add('Gather', [input, channels], [picked], { axis: -1 });
  const matrix = draft.constant(`${weight}/outliers`, 'float32', [outliers.length, outputs], async () => {
    const rows = await read();
    return Float32Array.from(
      outliers.flatMap((channel) => Array.from({ length: outputs }, (_, o) => rows[o * inputs + channel] as number)),
    );
  });
  return draft.add('MatMul', [picked, matrix], [`${output}/exact`]);
}
