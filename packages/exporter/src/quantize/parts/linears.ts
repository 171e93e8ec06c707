import type { Graph, Node } from '@crosscheck/network';
import { type Linear, linearOf, quantizeLinears } from '../block-linears.ts';
import { groupOf } from '../groups.ts';
import { observeColumns, smoothingOf } from '../smoothing.ts';
import type { Part, WeightByName } from './part.ts';

const usualBlock = 64;
/** The projections are small, and every post passes them. */
const projectionBlock = 32;

const blockSize = (node: Node) => (groupOf(node) === 'projections' ? projectionBlock : usualBlock);

/** The linear layers outside of the fusion, in smoothed 8-bit blocks. */
export function openLinears(graph: Graph, weight: WeightByName): Part {
  const found = graph.nodes.flatMap((node) => {
    const linear = groupOf(node) === null ? null : linearOf(node, weight);
    return linear ? [{ node, linear }] : [];
  });
  const seen = new Map(found.map(({ linear }) => [linear.input, new Float32Array(linear.shape[1])]));
  return {
    nodes: found.map(({ node }) => node),
    values: [...seen.keys()],
    see(value, data) {
      const reach = seen.get(value);
      if (reach) observeColumns(reach, data);
    },
    async finish() {
      const ofWeights = await reachOfWeights(found.map(({ linear }) => linear));
      const entries = [...seen].map(
        ([value, reach]) => [value, smoothingOf(reach, ofWeights.get(value) as Float32Array)] as const,
      );
      const smoothing = new Map(entries);
      return (rewritten, isQuantized) => quantizeLinears(rewritten, { isQuantized, blockSize, smoothing });
    },
  };
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
