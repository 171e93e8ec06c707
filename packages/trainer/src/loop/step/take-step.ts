import type { Model } from '@crosscheck/engine';
import { tf } from '@crosscheck/tensorflow';
import { sumOverWorkers } from '../../distributed/sum-over-workers.ts';
import {
  countOf,
  disposeSums,
  type Part,
  type StepOptions,
  type StepPlace,
  type StepSums,
  sumParts,
} from './step-sums.ts';

/** What one optimizer step did, over all its parts. A step whose loss or gradient is not finite is skipped and changes nothing. */
export interface StepOutcome {
  skipped: boolean;
  loss: number;
  /** [B] */
  logits: Float32Array;
  /** [B] */
  labels: Float32Array;
  /** Samples of all its parts. */
  batchSize: number;
  learningRate: number;
  gradientNorm: number;
  /** Whether another worker was asked to stop. */
  isToStop: boolean;
}

/**
 * One optimizer step: this worker's parts and everybody else's, averaged over their samples. All workers come to the same outcome and the
 * same weights, bit for bit.
 *
 * @returns null when none of the parts has a sample that can be read
 */
export async function takeStep(
  options: StepOptions,
  parts: readonly Part[],
  place: StepPlace,
): Promise<StepOutcome | null> {
  const sums = await sumOverWorkers(options, sumParts(options, parts, place), place);
  try {
    return sums.parts.length === 0 ? null : applyStep(options, sums, place);
  } finally {
    disposeSums(sums);
  }
}

function applyStep(options: StepOptions, sums: StepSums, place: StepPlace): StepOutcome {
  const { model, optimizer, clipNorm } = options;
  const { learningRate, beta1 } = options.schedule(place.phaseStep);
  const { loss, logits, labels } = joinParts(sums);
  const gradientScale = sums.unit / labels.length;
  const hyper = {
    learningRate,
    gradientScale,
    ...(beta1 === undefined ? {} : { beta1 }),
    ...(clipNorm === null ? {} : { clipNorm }),
  };
  const { gradientNorm, applied } =
    Number.isFinite(loss) && logits.every(Number.isFinite)
      ? optimizer.step(model.variables, sums.gradients, hyper)
      : { gradientNorm: Number.NaN, applied: false };
  if (applied) moveStatistics(model, sums, gradientScale);
  const { isToStop } = sums;
  return { skipped: !applied, loss, logits, labels, batchSize: labels.length, learningRate, gradientNorm, isToStop };
}

/** Once a step: by the mean over all its samples of what their parts would do. */
function moveStatistics(model: Model, { statistics }: StepSums, scale: number): void {
  if (scale === 1) return model.moveStatistics(statistics);
  const means = new Map(Array.from(statistics, ([name, sum]) => [name, tf.mul(sum, scale)]));
  model.moveStatistics(means);
  tf.dispose([...means.values()]);
}

function joinParts({ parts }: StepSums): Pick<StepOutcome, 'loss' | 'logits' | 'labels'> {
  const samples = countOf(parts);
  return {
    loss: parts.reduce((sum, { loss, labels }) => sum + (labels.length / samples) * loss, 0),
    logits: joinArrays(parts.map(({ logits }) => logits)),
    labels: joinArrays(parts.map(({ labels }) => labels)),
  };
}

/** One array after the other. */
function joinArrays(arrays: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const array of arrays) {
    joined.set(array, offset);
    offset += array.length;
  }
  return joined;
}
