import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { onnxNames, type Preprocessing } from '@crosscheck/contract';
import { availableCores, openTensorSession } from '@crosscheck/inference';
import type { Graph } from '@crosscheck/network';
import { normalizeImage } from '@crosscheck/preprocess';
import { writeOnnxModel } from '../onnx/write-model.ts';
import { type Range, RangeHistogram } from './range-histogram.ts';
import { activationsToCalibrate } from './static.ts';

/** The rarest values set no limits: the full range doubles the largest error. */
const coveredPercent = 99.999;

export interface CalibrationOptions {
  preprocessing: Preprocessing;
  opset: number;
  /** Decoded pictures, [S, S, 3] u8 each. */
  pictures: AsyncIterable<Uint8Array>;
  /** An empty place for a model that shows its activations. */
  workspace: string;
}

/** Runs real pictures through the exact vision network and looks how far each activation reaches. */
export async function calibrate(graph: Graph, options: CalibrationOptions): Promise<Map<string, Range>> {
  const values = activationsToCalibrate(graph);
  await mkdir(options.workspace, { recursive: true });
  const modelFile = path.join(options.workspace, 'activations.onnx');
  const header = { opset: options.opset, producerVersion: '', metadata: {} };
  await writeOnnxModel(modelFile, visionOnly(graph, values), header);
  const session = await openTensorSession(modelFile, { threads: availableCores() });
  try {
    const histograms = new Map(values.map((value) => [value, new RangeHistogram()]));
    const { imageSize } = options.preprocessing;
    const normalized = new Float32Array(3 * imageSize ** 2);
    for await (const picture of options.pictures) {
      normalizeImage(picture, options.preprocessing, 'nchw', normalized);
      const shape = [1, 3, imageSize, imageSize];
      const outputs = await session.run({ [onnxNames.image]: { data: normalized, shape } });
      for (const [value, histogram] of histograms) histogram.observe(outputs[value] as Float32Array);
    }
    return new Map([...histograms].map(([value, histogram]) => [value, histogram.range(coveredPercent)]));
  } finally {
    await session.close();
    await rm(options.workspace, { recursive: true });
  }
}

/** The vision nodes, with every value asked for as an output. */
function visionOnly(graph: Graph, values: readonly string[]): Graph {
  const last = Math.max(...graph.nodes.map(({ outputs }, i) => (values.includes(outputs[0] as string) ? i : -1)));
  const nodes = graph.nodes.slice(0, last + 1).filter(({ name }) => name.startsWith('vision/'));
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  return {
    ...graph,
    nodes,
    initializers: graph.initializers.filter(({ name }) => read.has(name)),
    inputs: graph.inputs.filter(({ name }) => name === onnxNames.image),
    outputs: values.map((name) => ({
      name,
      type: 'float32',
      shape: ['batch', `${name}/channels`, `${name}/height`, `${name}/width`],
    })),
  };
}
