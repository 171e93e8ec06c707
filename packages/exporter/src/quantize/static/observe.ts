import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { onnxNames, type Preprocessing } from '@crosscheck/contract';
import { availableCores, openTensorSession } from '@crosscheck/inference';
import type { Graph } from '@crosscheck/network';
import type { ShowingGraph } from '../../onnx/showing-graph.ts';
import { writeOnnxModel } from '../../onnx/write-model.ts';
import { type EncodedPost, inputsOf } from '../posts.ts';

export interface ObserveOptions {
  preprocessing: Preprocessing;
  opset: number;
  posts: readonly EncodedPost[];
  /** An empty place for a model that shows its activations. */
  workspace: string;
}

/** Told each value that was asked for, of one post after the other: [channels, …] of an image, [tokens, channels] of a text. */
export type Observer = (value: string, data: Float32Array) => void;

/** Runs posts through a graph, one at a time, and shows values of its inside. */
export async function observe(
  graph: Graph,
  values: readonly string[],
  { preprocessing, opset, posts, workspace }: ObserveOptions,
  onValue: Observer,
): Promise<void> {
  await mkdir(workspace, { recursive: true });
  const modelFile = path.join(workspace, 'activations.onnx');
  const showing: ShowingGraph = { ...graph, shown: values };
  await writeOnnxModel(modelFile, showing, { opset, producerVersion: '', metadata: {} });
  const session = await openTensorSession(modelFile, { threads: availableCores() });
  const wanted = new Set(values);
  try {
    for (const post of posts) {
      const { image, inputIds, attentionMask, length } = inputsOf([post], preprocessing);
      const side = preprocessing.imageSize;
      const feeds = {
        [onnxNames.image]: { data: image, shape: [1, 3, side, side] },
        [onnxNames.inputIds]: { data: BigInt64Array.from(inputIds, BigInt), shape: [1, length] },
        [onnxNames.attentionMask]: { data: BigInt64Array.from(attentionMask, BigInt), shape: [1, length] },
      };
      const outputs = await session.run(feeds);
      for (const [name, data] of Object.entries(outputs)) if (wanted.has(name)) onValue(name, data);
    }
  } finally {
    await session.close();
    await rm(workspace, { recursive: true });
  }
}
