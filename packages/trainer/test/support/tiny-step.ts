import { type CompleteConfig, completeConfig, composeConfig, trainConfigSchema } from '@crosscheck/config';
import { architectureSchema, createRandom } from '@crosscheck/contract';
import type { Model, ModelOptions, TrainingInput } from '@crosscheck/engine';
import { alone } from '../../src/distributed/workers.ts';
import { type Phase, resolvePhases } from '../../src/loop/phases.ts';
import { buildOptimizer } from '../../src/loop/step/optimizer.ts';
import { type StepOptions, type StepPlace } from '../../src/loop/step/step-sums.ts';
import { type StepOutcome, takeStep } from '../../src/loop/step/take-step.ts';

const architecture = architectureSchema.parse({
  vision: {
    stemChannels: 8,
    stages: [
      { expand: 1, channels: 8, repeats: 1, stride: 1, kernel: 3 },
      { expand: 4, channels: 16, repeats: 1, stride: 2, kernel: 3 },
    ],
    headChannels: 32,
  },
  text: { vocabSize: 64, maxPositions: 16, hiddenSize: 16, layers: 2, heads: 2, feedForwardSize: 32 },
  embeddingDim: 16,
  fusionHiddenDim: 16,
});

/** A network of two stages and two layers, without anything random but its first weights. */
export function tinyModelOptions(): ModelOptions {
  const dropout = { fusion: 0, projection: 0, text: 0, attention: 0, stochasticDepth: 0 };
  return { architecture, dropout, batchNormMomentum: 0.1, seed: 3 };
}

/** The config of a short run and its only phase. */
export function composeTiny(...overrides: string[]): { config: CompleteConfig; phase: Phase } {
  const composed = composeConfig({
    configName: 'config',
    schema: trainConfigSchema,
    overrides: ['model=tiny', 'data=demo', ...overrides],
  });
  const config = completeConfig(composed.config);
  const [phase] = resolvePhases(config);
  if (!phase) throw new Error('a config without a phase');
  return { config, phase };
}

/** Noise as pixels and words: B samples whose labels alternate. */
export function tinyInput(size = 2, seed = 1): TrainingInput & { size: number; label: Float32Array } {
  const random = createRandom(seed, 'tiny input');
  const [side, length] = [32, 8];
  return {
    size,
    length,
    imageSize: side,
    image: Float32Array.from({ length: size * side * side * 3 }, () => random.normal()),
    inputIds: Int32Array.from({ length: size * length }, () => random.int(64)),
    attentionMask: new Int32Array(size * length).fill(1),
    label: Float32Array.from({ length: size }, (_, i) => i % 2),
  };
}

/** What takeStep needs, at a constant rate and without clipping. */
export function stepOptions(model: Model, ...overrides: string[]): StepOptions {
  const { config, phase } = composeTiny(...overrides);
  return {
    phase,
    workers: alone,
    model,
    optimizer: buildOptimizer(config, phase, model),
    schedule: () => ({ learningRate: phase.learningRate }),
    loss: {},
    seed: 1,
    clipNorm: null,
    frozenBatchNorm: 'keep',
    mixedPrecision: config.training.mixed_precision,
    modalityDropout: config.training.modality_dropout,
  };
}

/** One step on these batches, which are its parts. */
export async function stepOn(
  options: StepOptions,
  inputs: readonly TrainingInput[],
  place: StepPlace,
): Promise<StepOutcome> {
  const parts = inputs.map((input, index) => ({ index, input }));
  const outcome = await takeStep(options, parts, place);
  if (outcome === null) throw new Error('a step without samples');
  return outcome;
}

/** Every parameter as hex, so that equal means bit for bit. */
export function weightBits(model: Model): Record<string, string> {
  const entries = [...model.variables].map(([name, variable]) => {
    const { buffer, byteOffset, byteLength } = variable.dataSync() as Float32Array;
    return [name, Buffer.from(buffer, byteOffset, byteLength).toString('hex')];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

export function weightsOf(model: Model): Map<string, Float32Array> {
  return new Map([...model.variables].map(([name, variable]) => [name, (variable.dataSync() as Float32Array).slice()]));
}
