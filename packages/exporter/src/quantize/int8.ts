import type { Architecture } from '@crosscheck/contract';
import type { Graph, Node } from '@crosscheck/network';
import type { FloatConstant } from './graph-draft.ts';
import { type Group, groupOf } from './groups.ts';
import { halveWeights } from './halve.ts';
import { openFixed } from './parts/fixed.ts';
import { openLinears } from './parts/linears.ts';
import type { WeightByName } from './parts/part.ts';
import { type ObserveOptions, observe } from './static/observe.ts';

/** What a network can be rewritten to. */
export interface Recipe {
  /** What may stay in fp32, each with a node or more that int8 would change. */
  groups: readonly Group[];
  /** The network with all groups in int8 but these. */
  build(kept: ReadonlySet<Group>): Graph;
}

export interface RecipeOptions extends ObserveOptions {
  architecture: Architecture;
}

/** What int8 changes, by the activation of the vision backbone: SiLU has no bound, and a range for one picture's extremes drowns the others. */
const partsOf = { relu6: [openFixed, openLinears], silu: [openLinears] };

/** How a network is put in int8, from what posts do inside of it. */
export async function int8Recipe(graph: Graph, { architecture, ...options }: RecipeOptions): Promise<Recipe> {
  const weight = weightsOf(graph);
  const parts = partsOf[architecture.vision.activation].map((open) => open(graph, weight));
  const values = new Set(parts.flatMap((part) => part.values));
  await observe(graph, [...values], options, (value, data) => {
    for (const part of parts) part.see(value, data);
  });
  const rewrites = await Promise.all(parts.map((part) => part.finish()));
  const nodes = parts.flatMap((part) => part.nodes);
  const names = new Set(nodes.map(({ name }) => name));
  return {
    groups: [...new Set(nodes.map((node) => groupOf(node) as Group))],
    build(kept) {
      const isQuantized = (node: Node) => names.has(node.name) && !kept.has(groupOf(node) as Group);
      const rewritten = rewrites.reduce((current, rewrite) => rewrite(current, isQuantized), graph);
      return halveWeights(rewritten, isHalved);
    },
  };
}

function weightsOf({ initializers }: Graph): WeightByName {
  const constants = new Map(initializers.map((initializer) => [initializer.name, initializer]));
  return (name) => {
    const found = constants.get(name ?? '');
    return found?.type === 'float32' ? (found as FloatConstant) : null;
  };
}

/** What stays in fp32 is stored in halves, as in fp16; not the fusion head and not what int8 reads. */
const isHalved = (name: string) => !/^fusion|\/(scales?|factor|outliers)$/.test(name);
