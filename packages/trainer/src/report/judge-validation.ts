import { preprocessingOf } from '@crosscheck/config';
import { throwIfStopped } from '@crosscheck/contract';
import { type AblatedAccuracy, applyTemperature } from '@crosscheck/evaluation';
import { openLoader } from '../data/run-data.ts';
import { type AblationName, ablationNames, planAblation } from '../evaluate/ablations.ts';
import { ablatedAccuracy, type JudgedPosts } from '../evaluate/posts.ts';
import { encodeBatch } from '../features/compute-features.ts';
import { type FeatureSet, readFeatures, rowWidth, writeBatch } from '../features/feature-set.ts';
import { sizesOf } from '../features/plan-features.ts';
import { rowShape } from '../features/prepare-features.ts';
import { storeForNow } from '../features/row-storage.ts';
import { finishJudging, type Judged, judgeFeatures } from '../loop/judge.ts';
import type { OpenRun } from '../run/open-run.ts';

/** Validation's answers, and its features, from which the ablations are judged without another look at pictures and words. */
export interface JudgedValidation {
  judged: Judged;
  features: FeatureSet;
  close(): void;
}

/** Runs the backbones once over validation. */
export async function judgeValidation(open: OpenRun): Promise<JudgedValidation> {
  const { config, manifests, tokenizer, model } = open;
  const { batch_size: batchSize } = config.training;
  const loader = openLoader(config, manifests.val, { tokenizer, batchSize, shuffle: false, augment: false });
  const shape = rowShape(model, sizesOf(config, preprocessingOf(config)), 1);
  const { storage, close } = storeForNow(manifests.val.samples.length, rowWidth(shape));
  const indices: number[] = [];
  try {
    for await (const batch of loader.batches(0)) {
      throwIfStopped();
      writeBatch(storage, shape, indices.length, encodeBatch(model, batch));
      indices.push(...batch.indices);
    }
    const features = readFeatures(storage, shape, indices.length);
    const judged = await finishJudging(judgeFeatures(model, features));
    return { judged: { ...judged, indices: Int32Array.from(indices) }, features, close };
  } catch (error) {
    close();
    throw error;
  } finally {
    await loader.close();
  }
}

/** Accuracy on validation with a part of each post taken from another one; null with `evaluation.ablations=false`. */
export async function judgeAblations(
  { config, manifests, model }: OpenRun,
  { judged, features }: JudgedValidation,
  { threshold, temperature }: { threshold: number; temperature: number },
): Promise<Record<AblationName, AblatedAccuracy> | null> {
  if (!config.evaluation.ablations) return null;
  const samples = Array.from(judged.indices, (i) => manifests.val.samples[i]).filter((sample) => sample !== undefined);
  const rowsOf = (logits: ArrayLike<number>): JudgedPosts => ({
    probabilities: applyTemperature(logits, temperature),
    uncalibrated: applyTemperature(logits, 1),
    labels: judged.labels,
    indices: judged.indices,
    keys: [...judged.indices],
  });
  const full = rowsOf(judged.logits);
  const entries: [AblationName, AblatedAccuracy][] = [];
  for (const name of ablationNames) {
    const { part, donors } = planAblation(samples, name, config.training.seed);
    const { logits } = await finishJudging(judgeFeatures(model, features, { [part]: donors }));
    entries.push([name, ablatedAccuracy(full, rowsOf(logits), threshold)]);
  }
  return Object.fromEntries(entries) as Record<AblationName, AblatedAccuracy>;
}
