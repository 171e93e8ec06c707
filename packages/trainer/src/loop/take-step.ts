import { combineSeeds } from '@crosscheck/contract';
import type { Gradients, LossOptions, Model, Optimizer, Schedule, TrainingInput } from '@crosscheck/engine';
import { tf } from '@crosscheck/tensorflow';
import { distanceFromHeads } from './blocks.ts';
import { dropModalities, type ModalityDropout } from './modality-dropout.ts';
import type { Phase } from './phases.ts';

export interface StepOptions {
  phase: Phase;
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

/** What one optimizer step did. A step whose loss or gradient is not finite is skipped and changes no weight. */
export interface StepOutcome {
  skipped: boolean;
  loss: number;
  /** [B] */
  logits: Float32Array;
  /** [B] */
  labels: Float32Array;
  /** Samples of all its batches. */
  batchSize: number;
  learningRate: number;
  gradientNorm: number;
}

/** Where a step stands: randomness follows from it. */
export interface StepPlace {
  phaseStep: number;
  step: number;
  /** Epochs of this phase that are finished. */
  epoch: number;
}

/** One optimizer step on one batch, or on several whose gradients are averaged over their samples. */
export function takeStep(options: StepOptions, inputs: readonly TrainingInput[], place: StepPlace): StepOutcome {
  const { model, optimizer, clipNorm } = options;
  const { learningRate, beta1 } = options.schedule(place.phaseStep);
  const averaged = averageGradients(options, inputs, place);
  try {
    const { loss, logits, gradients } = averaged;
    const hyper = {
      learningRate,
      ...(beta1 === undefined ? {} : { beta1 }),
      ...(clipNorm === null ? {} : { clipNorm }),
    };
    const { gradientNorm, applied } =
      Number.isFinite(loss) && logits.every(Number.isFinite)
        ? optimizer.step(model.variables, gradients, hyper)
        : { gradientNorm: Number.NaN, applied: false };
    const labels = joinArrays(inputs.map(({ label }) => label));
    return { skipped: !applied, loss, logits, labels, batchSize: labels.length, learningRate, gradientNorm };
  } finally {
    averaged.dispose();
  }
}

/** Backbone blocks that learn in an epoch of the phase; null = all that are not frozen. */
export function openBlocks({ unfreezeEvery }: Phase, epoch: number): number | null {
  return unfreezeEvery === null ? null : 1 + Math.floor(epoch / unfreezeEvery);
}

/** Names of the variables that learn in an epoch of a phase. */
export function trainableIn(model: Model, phase: Phase, epoch: number): string[] {
  const names = model.trainableNames(phase.freeze);
  const open = openBlocks(phase, epoch);
  return open === null ? names : names.filter((name) => distanceFromHeads(name, model.architecture) <= open);
}

function gradientsOf(options: StepOptions, input: TrainingInput, place: StepPlace, part: number): Gradients {
  const { model, phase, seed, loss, frozenBatchNorm, mixedPrecision, modalityDropout } = options;
  const stepSeed = part === 0 ? combineSeeds(seed, 'step', place.step) : combineSeeds(seed, 'step', place.step, part);
  return model.computeGradients(dropModalities(input, modalityDropout, stepSeed), {
    ...loss,
    seed: stepSeed,
    freeze: phase.freeze,
    frozenBatchNorm,
    mixedPrecision,
    trainable: trainableIn(model, phase, place.epoch),
  });
}

function averageGradients(options: StepOptions, inputs: readonly TrainingInput[], place: StepPlace): Gradients {
  const total = inputs.reduce((sum, { size }) => sum + size, 0);
  const sums = new Map<string, tf.Tensor>();
  const logits: Float32Array[] = [];
  let loss = 0;
  for (const [part, input] of inputs.entries()) {
    const share = input.size / total;
    const one = gradientsOf(options, input, place, part);
    if (inputs.length === 1) return one;
    loss += share * one.loss;
    logits.push(one.logits);
    for (const [name, gradient] of one.gradients) addTo(sums, name, gradient, share);
    one.dispose();
  }
  return { loss, logits: joinArrays(logits), gradients: sums, dispose: () => tf.dispose([...sums.values()]) };
}

// oxlint-disable-next-line max-params -- a sum, its name, what is added and how much of it
function addTo(sums: Map<string, tf.Tensor>, name: string, gradient: tf.Tensor, share: number): void {
  const before = sums.get(name);
  sums.set(
    name,
    tf.tidy(() => (before ? tf.add(before, tf.mul(gradient, share)) : tf.mul(gradient, share))),
  );
  before?.dispose();
}

/** One array after the other. */
export function joinArrays(arrays: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const array of arrays) {
    joined.set(array, offset);
    offset += array.length;
  }
  return joined;
}
