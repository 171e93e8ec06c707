// What each way of fusion costs: parameters, time of a training step, time of a verdict in ONNX Runtime.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Architecture, Batch } from '@crosscheck/contract';
import type { Model } from '@crosscheck/engine';
import { buildClassifierGraph, randomWeights, writeOnnxModel } from '@crosscheck/exporter';
import { openOnnxSession } from '@crosscheck/inference';
import { countParameters } from '@crosscheck/network';
import { median } from '../results.ts';
import { architectureFor, createTrainer, openModel, openPosts, preprocessing, type Recipe } from './train.ts';

export interface Cost {
  fusion: Architecture['fusion'];
  /** All of the small network. */
  parameters: number;
  /** Of the full-size network, beside those of `concat`. */
  fullSizeExtra: number;
  /** Median of a training step of one batch, everything learning. */
  stepMs: number;
  /** Median of a session's run, one post of 20 tokens, one thread. */
  verdictMs: number;
}

interface Measured {
  fusion: Architecture['fusion'];
  model: Model;
  step(batch: Batch): void;
  stepMs: number[];
  verdict(): Promise<unknown>;
  verdictMs: number[];
  close(): Promise<void>;
}

/** Takes turns: every network makes a step on the same batch; after all steps every session gives a verdict, again and again. */
export async function measureCosts(
  dir: string,
  fusions: readonly Architecture['fusion'][],
  recipe: Recipe,
): Promise<Omit<Cost, 'fullSizeExtra'>[]> {
  const measured: Measured[] = [];
  for (const fusion of fusions) measured.push(await open(fusion, recipe));
  const train = await openPosts(dir, 'train', recipe);
  for await (const batch of train.batches(0)) {
    for (const each of measured) each.stepMs.push(await timed(() => each.step(batch)));
  }
  await train.close();
  await setTimeout(restMs);
  for (let turn = 0; turn < verdicts; turn++) {
    for (const each of measured) each.verdictMs.push(await timed(() => each.verdict()));
  }
  for (const each of measured) await each.close();
  return measured.map(({ fusion, model, stepMs, verdictMs }) => ({
    fusion,
    parameters: countParameters(model).total,
    stepMs: median(stepMs),
    verdictMs: median(verdictMs),
  }));
}

const verdicts = 300;
/** TensorFlow's threads may wait for more work after the last step, which takes a core; they sleep after that. */
const restMs = 1000;

async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function open(fusion: Architecture['fusion'], recipe: Recipe): Promise<Measured> {
  const variant = { fusion, sight: 'both' } as const;
  const model = await openModel(variant, recipe.seed);
  const trainer = createTrainer(model, 1000, { epochs: 1, learningRate: 0.0005, frozen: false });
  const session = await openVerdict(architectureFor(variant));
  return {
    fusion,
    model,
    step: (batch) => trainer.step(batch),
    stepMs: [],
    verdict: () => session.verdict(),
    verdictMs: [],
    async close() {
      trainer.close();
      model.dispose();
      await session.close();
    },
  };
}

/** Weights are random: they change no time. */
async function openVerdict(architecture: Architecture) {
  const dir = mkdtempSync(path.join(tmpdir(), 'crosscheck-fusion-'));
  const graph = buildClassifierGraph({
    architecture,
    preprocessing,
    weights: randomWeights(architecture, 1),
    opset: 18,
  });
  const file = path.join(dir, 'model.onnx');
  await writeOnnxModel(file, graph, { opset: 18, producerVersion: '', metadata: {} });
  const session = await openOnnxSession(file, { threads: 1, preprocessing });
  const [size, length, side] = [1, 20, preprocessing.imageSize];
  const inputs = {
    size,
    length,
    image: new Float32Array(3 * side * side),
    inputIds: new Int32Array(length).fill(7),
    attentionMask: new Int32Array(length).fill(1),
  };
  return {
    verdict: () => session.run(inputs),
    async close() {
      await session.close();
      rmSync(dir, { recursive: true });
    },
  };
}
