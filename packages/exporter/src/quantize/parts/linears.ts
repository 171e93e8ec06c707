import type { Graph } from '@crosscheck/network';
import { groupOf } from '../groups.ts';
import { type Linear, linearOf } from '../linear.ts';
import { outliersOf } from '../outliers.ts';
import { quantizeRows, type RowRounding } from '../row-linears.ts';
import { observeColumns, smoothingOf } from '../smoothing.ts';
import type { Part, WeightByName } from './part.ts';

/** What was seen of a value on the calibration posts; K channels. */
interface Seen {
  /** [K] largest magnitudes */
  reach: Float32Array;
  /** [K] sums of fourth powers: what is often far out counts, one post alone does not */
  weight: Float64Array;
  isPositive: boolean;
}

/** The linear layers outside of the fusion, with rows that are rounded one by one. */
export function openLinears(graph: Graph, weight: WeightByName): Part {
  const found = graph.nodes.flatMap((node) => {
    const linear = groupOf(node) === null ? null : linearOf(node, weight);
    return linear ? [{ node, linear }] : [];
  });
  const seen = new Map(found.map(({ linear }): [string, Seen] => [linear.input, nothingSeen(linear.shape[1])]));
  return {
    nodes: found.map(({ node }) => node),
    values: [...seen.keys()],
    see(value, data) {
      const already = seen.get(value);
      if (already) lookAt(already, data);
    },
    async finish() {
      const ofWeights = await reachOfWeights(found.map(({ linear }) => linear));
      const roundings = new Map(
        [...seen].map(([value, what]) => [value, roundingOf(what, ofWeights.get(value) as Float32Array)]),
      );
      return (rewritten, isQuantized) => quantizeRows(rewritten, { isQuantized, roundings });
    },
  };
}

const nothingSeen = (channels: number): Seen => ({
  reach: new Float32Array(channels),
  weight: new Float64Array(channels),
  isPositive: true,
});

function lookAt(seen: Seen, data: Float32Array): void {
  observeColumns(seen.reach, data);
  const { weight } = seen;
  for (let i = 0, k = 0; i < data.length; i++) {
    const x = data[i] as number;
    weight[k] = (weight[k] as number) + x ** 4;
    if (x < 0) seen.isPositive = false;
    if (++k === weight.length) k = 0;
  }
}

function roundingOf({ reach, weight, isPositive }: Seen, ofWeights: Float32Array): RowRounding {
  const smoothing = smoothingOf(reach, ofWeights);
  return { smoothing, outliers: outliersOf(weight.map((sum, k) => sum / (smoothing[k] as number) ** 4)), isPositive };
}

/** Of all layers that read a value, as one: they read the same smoothed channels. */
async function reachOfWeights(linears: readonly Linear[]): Promise<Map<string, Float32Array>> {
  const reach = new Map<string, Float32Array>();
  for (const { input, shape, read } of linears) {
    const columns = reach.get(input) ?? new Float32Array(shape[1]);
    observeColumns(columns, await read());
    reach.set(input, columns);
  }
  return reach;
}
