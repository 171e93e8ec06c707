import type { Graph } from '@crosscheck/network';
import { channelScales, firstAxis } from '../channels.ts';
import { stageOf } from '../groups.ts';
import { openProducts } from '../products.ts';
import { roundWithGptq } from '../static/gptq.ts';
import { type Range, RangeHistogram } from '../static/range-histogram.ts';
import { activationsToCalibrate, isStaticNode, quantizeStatic } from '../static/static.ts';
import { type Part, pointwiseWeight, type WeightByName } from './part.ts';

/** Stem and first block: over the largest maps int8 gains least, and areas of one colour make all their errors the same. */
const exactStages = 2;

/** Convolutions and sums of a ReLU6 network, whose activations are bounded, with fixed scales. */
export function openFixed(graph: Graph, weight: WeightByName): Part {
  const nodes = graph.nodes.filter((node) => isStaticNode(node) && (stageOf(node) ?? 0) >= exactStages);
  const names = new Set(nodes.map(({ name }) => name));
  const values = activationsToCalibrate(graph, ({ name }) => names.has(name));
  const histograms = new Map(values.map((value) => [value, new RangeHistogram()]));
  const pointwise = nodes.flatMap((node) => {
    const constant = pointwiseWeight(node, weight);
    return constant ? [{ input: node.inputs[0] as string, constant }] : [];
  });
  const products = openProducts(pointwise.map(({ input, constant }) => [input, constant.shape[1] as number]));
  return {
    nodes,
    values,
    see(value, data) {
      histograms.get(value)?.observe(data);
      products.see(value, data);
    },
    async finish() {
      const rounded = new Map<string, Int8Array>();
      for (const { input, constant } of pointwise) {
        const matrix = await constant.read();
        const scales = channelScales(matrix, firstAxis(constant.shape));
        rounded.set(constant.name, roundWithGptq(matrix, scales, products.of(input)));
      }
      const ranges = new Map(
        [...histograms].map(([value, seen]): [string, Range] => [value, seen.rangeOfLeastError()]),
      );
      return (rewritten, isQuantized) => quantizeStatic(rewritten, { isQuantized, ranges, rounded });
    },
  };
}
