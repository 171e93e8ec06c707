import type { Artifact } from '@crosscheck/contract';
import type { Graph } from '@crosscheck/network';
import { type CalibrationOptions, calibrate } from './calibrate.ts';
import { quantizeLinears } from './dynamic.ts';
import { halveWeights } from './halve.ts';
import { quantizeVision } from './static.ts';

/** Rewrites the exact network in another number format. */
export type Rewrite = (graph: Graph, options: CalibrationOptions) => Promise<Graph>;

/** The number formats beside fp32 that this version writes. */
export const rewrites: Readonly<Record<Exclude<Artifact['precision'], 'fp32'>, Rewrite>> = {
  fp16: async (graph) => halveWeights(graph),
  int8: async (graph, options) => {
    const vision = quantizeVision(graph, await calibrate(graph, options));
    const linear = quantizeLinears(vision, isQuantizedLinear);
    return halveWeights(linear, (name) => name.includes('_embeddings'));
  },
};

/** The encoder and both projections; the fusion head decides and is small. */
function isQuantizedLinear({ name }: { name: string }): boolean {
  return name.startsWith('text/') || name.includes('/projection');
}
