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

/** What some parts in a row add up to; of two sums of one size comes the next. */
interface Sum {
  size: number;
  gradients: Tensors;
  statistics: Tensors;
}

/**
 * Computes this worker's parts of a step, one after the other, and adds them up in pairs, and the pairs in pairs: two workers with half of the
 * parts each then add the same numbers in the same order as one does. Nothing of the model has changed afterwards.
 */
export function sumParts(options: StepOptions, parts: readonly Part[], place: StepPlace): StepSums {
  const { batchSize, accumulateSteps } = options.phase;
  const unit = accumulateSteps === 1 ? (parts[0]?.input.size ?? batchSize) : batchSize;
  const outcomes: PartOutcome[] = [];
  const sums: Sum[] = [];
  try {
    for (const part of parts) {
      const { loss, logits, gradients, statistics } = gradientsOf(options, part, place);
      outcomes.push({ index: part.index, loss, logits, labels: part.input.label });
      const weight = part.input.size / unit;
      sums.push({ size: 1, gradients: weighed(gradients, weight), statistics: weighed(statistics, weight) });
      while (sums.at(-1)?.size === sums.at(-2)?.size) addLast(sums);
    }
    while (sums.length > 1) addLast(sums);
    const [{ gradients, statistics } = noSum] = sums;
    const ordered = inOrder(gradients, trainableIn(options.model, options.phase, place.epoch));
    return { gradients: ordered, statistics, unit, parts: outcomes, isToStop: false };
  } catch (error) {
    sums.forEach(disposeSums);
    throw error;
  }
}

const noSum: Sum = { size: 0, gradients: new Map(), statistics: new Map() };

/** Takes the tensors over. */
function weighed(tensors: ReadonlyMap<string, tf.Tensor>, weight: number): Tensors {
  if (weight === 1) return new Map(tensors);
  return new Map(Array.from(tensors, ([name, tensor]) => [name, consume(tensor, (x) => tf.mul(x, weight))]));
}

/** Puts the sum of the last two in their place. */
function addLast(sums: Sum[]): void {
  const [a, b] = sums.splice(-2) as [Sum, Sum];
  const gradients = added(a.gradients, b.gradients);
  sums.push({ size: 2 * a.size, gradients, statistics: added(a.statistics, b.statistics) });
}

/** Takes both over. A variable may have a gradient in one of them only. */
function added(a: Tensors, b: Tensors): Tensors {
  const sums = new Map(a);
  for (const [name, y] of b) {
    const x = a.get(name);
    sums.set(name, x ? consume(x, () => consume(y, () => tf.add(x, y))) : y);
  }
  return sums;
}

function consume(x: tf.Tensor, compute: (x: tf.Tensor) => tf.Tensor): tf.Tensor {
  const result = compute(x);
  x.dispose();
  return result;
}

/** Not that of the parts which happened to have them first. */
function inOrder(tensors: Tensors, names: readonly string[]): Tensors {
  return new Map(names.flatMap((name) => (tensors.has(name) ? [[name, tensors.get(name) as tf.Tensor]] : [])));
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
