import { setImmediate } from 'node:timers/promises';
import { sigmoid, throwIfStopped } from '@crosscheck/contract';
import type { Loader } from '@crosscheck/data';
import type { Model } from '@crosscheck/engine';
import { type FeatureSet, selectFeatures } from '../features/feature-set.ts';

/** The model's answers on a split, in the order of its samples. N readable samples. */
export interface Judged {
  /** [N] */
  logits: Float32Array;
  /** [N] probability of FAKE, before temperature scaling */
  probabilities: Float64Array;
  /** [N] */
  labels: Float32Array;
  /** [N] position of each row in the loader's samples */
  indices: Int32Array;
}

/** Yields the number of batches judged so far, returns the answers. */
export type Judging = AsyncGenerator<number, Judged>;

/** Rows of features that are judged at once. */
export const rowsPerPass = 256;

/** Judges every batch of a loader in evaluation mode. */
export async function* judgeBatches(model: Pick<Model, 'predictLogits'>, loader: Loader): Judging {
  const [logits, labels, indices]: [number[], number[], number[]] = [[], [], []];
  let done = 0;
  for await (const batch of loader.batches(0)) {
    logits.push(...model.predictLogits(batch));
    labels.push(...batch.label);
    indices.push(...batch.indices);
    yield ++done;
  }
  return judged(logits, labels, indices);
}

/** Rows whose pictures and words stand beside each other's; every row's own where left out. */
export interface Pairing {
  image?: Int32Array;
  text?: Int32Array;
}

/** Judges features that were computed once; yields the number of passes. */
export async function* judgeFeatures(model: Model, features: FeatureSet, pairing: Pairing = {}): Judging {
  const logits: number[] = [];
  const rows = Int32Array.from({ length: features.size }, (_, i) => i);
  const { image = rows, text = rows } = pairing;
  for (let begin = 0; begin < features.size; begin += rowsPerPass) {
    const end = begin + rowsPerPass;
    const part = selectFeatures(features, { rows: image.subarray(begin, end), text: text.subarray(begin, end) });
    logits.push(...model.predictLogitsFromFeatures(part));
    yield 1 + begin / rowsPerPass;
  }
  return judged(logits, features.label, rows);
}

function judged(logits: number[], labels: ArrayLike<number>, indices: ArrayLike<number>): Judged {
  return {
    logits: Float32Array.from(logits),
    probabilities: Float64Array.from(logits, sigmoid),
    labels: Float32Array.from(labels),
    indices: Int32Array.from(indices),
  };
}

/** Runs a judging to its end without showing its progress. */
export async function finishJudging(judging: Judging): Promise<Judged> {
  for (;;) {
    throwIfStopped();
    const next = await judging.next();
    if (next.done) return next.value;
    await setImmediate();
  }
}
