import { combineSeeds } from '@crosscheck/contract';
import type { Gradients, LossOptions, Model, Optimizer, Schedule, TrainingInput } from '@crosscheck/engine';
import { tf } from '@crosscheck/tensorflow';
import type { Workers } from '../../distributed/workers.ts';
import { trainableIn } from '../blocks.ts';
import type { Phase } from '../phases.ts';
import { dropModalities, type ModalityDropout } from './modality-dropout.ts';

export interface StepOptions {
  phase: Phase;
  /** Those that share the parts of a step. */
  workers: Workers;
  model: Model;
  optimizer: Optimizer;
  schedule: Schedule;
  loss: LossOptions;
  seed: number;
  clipNorm: number | null;
  frozenBatchNorm: 'keep' | 'update';
  mixedPrecision: boolean;
  modalityDropout: ModalityDropout;
}

/** Where a step stands: randomness follows from it. */
export interface StepPlace {
  phaseStep: number;
  step: number;
  /** Epochs of this phase that are finished. */
  epoch: number;
}

/** A batch of a step, and which of the step's batches it is, from 0: randomness follows from that, and not from who computes it. */
export interface Part {
  index: number;
  input: TrainingInput;
}

/** What a part came to. */
export interface PartOutcome {
  index: number;
  /** Mean over its samples. */
  loss: number;
  /** [B] */
  logits: Float32Array;
  /** [B] */
  labels: Float32Array;
}

type Tensors = Map<string, tf.Tensor>;

/** What parts of a step add up to. */
export interface StepSums {
  /** Of each part as much as it has samples, over `unit`. */
  gradients: Tensors;
  /** Running statistics, as each part alone would move them, alike. */
  statistics: Tensors;
  /** Samples that count as 1. */
  unit: number;
  /** In the order of the step. */
  parts: PartOutcome[];
  /** Whether a worker was asked to stop. */
  isToStop: boolean;
}

export const countOf = (parts: readonly { labels: Float32Array }[]): number =>
  parts.reduce((sum, { labels }) => sum + labels.length, 0);

export const disposeSums = ({ gradients, statistics }: Pick<StepSums, 'gradients' | 'statistics'>): void =>
  tf.dispose([...gradients.values(), ...statistics.values()]);

/** Computes this worker's parts of a step, one after the other. Nothing of the model has changed afterwards. */
export function sumParts(options: StepOptions, parts: readonly Part[], place: StepPlace): StepSums {
  const samples = parts.reduce((sum, { input }) => sum + input.size, 0);
  // Alone, the samples of the whole step are known, and what adds up are means already.
  const unit = options.workers.world === 1 ? samples : options.phase.batchSize;
  const sums: StepSums = { gradients: new Map(), statistics: new Map(), unit, parts: [], isToStop: false };
  try {
    for (const part of parts) addPart(sums, part, gradientsOf(options, part, place));
    return { ...sums, gradients: inOrder(sums.gradients, trainableIn(options.model, options.phase, place.epoch)) };
  } catch (error) {
    disposeSums(sums);
    throw error;
  }
}

function addPart(
  { gradients, statistics, unit, parts }: StepSums,
  { index, input }: Part,
  { loss, logits, ...made }: Gradients,
): void {
  const weight = input.size / unit;
  for (const [name, gradient] of made.gradients) addTo(gradients, name, gradient, weight);
  for (const [name, value] of made.statistics) addTo(statistics, name, value, weight);
  parts.push({ index, loss, logits, labels: input.label });
}

/** Not that of the parts which happened to have them first. */
function inOrder(tensors: Tensors, names: readonly string[]): Tensors {
  return new Map(names.flatMap((name) => (tensors.has(name) ? [[name, tensors.get(name) as tf.Tensor]] : [])));
}

/** Takes the tensor over: one that is the first of its name and counts once is the sum itself. */
// oxlint-disable-next-line max-params -- a sum, its name, what is added and how much of it
function addTo(sums: Tensors, name: string, tensor: tf.Tensor, weight: number): void {
  const before = sums.get(name);
  const sum = tf.tidy(() => {
    const weighted = weight === 1 ? tensor : tf.mul(tensor, weight);
    return before ? tf.add(before, weighted) : weighted;
  });
  sums.set(name, sum);
  before?.dispose();
  if (sum !== tensor) tensor.dispose();
}

function gradientsOf(options: StepOptions, { index, input }: Part, place: StepPlace): Gradients {
  const { model, phase, seed, loss, frozenBatchNorm, mixedPrecision, modalityDropout } = options;
  const step = [seed, 'step', place.step] as const;
  const stepSeed = index === 0 ? combineSeeds(...step) : combineSeeds(...step, index);
  return model.computeGradients(dropModalities(input, modalityDropout, stepSeed), {
    ...loss,
    seed: stepSeed,
    freeze: phase.freeze,
    frozenBatchNorm,
    mixedPrecision,
    trainable: trainableIn(model, phase, place.epoch),
    statistics: 'give',
  });
}
