import type { Graph, Node } from '@crosscheck/network';
import type { FloatConstant } from '../graph-draft.ts';

export type WeightByName = (name: string | undefined) => FloatConstant | null;

/** Nodes of one kind that int8 changes in one way. */
export interface Part {
  nodes: readonly Node[];
  /** Activations that it wants to see on the calibration posts. */
  values: readonly string[];
  see(value: string, data: Float32Array): void;
  /** Once everything was seen. */
  finish(): Promise<Rewrite>;
}

/** Puts those of the part's nodes in int8 that are asked for. */
export type Rewrite = (graph: Graph, isQuantized: (node: Node) => boolean) => Graph;

/** The weight of a 1×1 convolution, [out, in, 1, 1]; null for other nodes. */
export function pointwiseWeight({ op, inputs, attributes }: Node, weight: WeightByName): FloatConstant | null {
  const constant = op === 'Conv' && Number(attributes.group ?? 1) === 1 ? weight(inputs[1]) : null;
  const [, , height, width] = constant?.shape ?? [];
  return height === 1 && width === 1 ? constant : null;
}
