import { throwIfStopped } from '@crosscheck/contract';
import { type AblatedAccuracy, applyTemperature } from '@crosscheck/evaluation';
import { type AblationName, ablationNames, planAblation } from '../evaluate/ablations.ts';
import { ablatedAccuracy, type JudgedPosts } from '../evaluate/posts.ts';
import { type EncodedBatch, type FeatureSet, joinFeatures } from '../features/feature-set.ts';
import { encodeBatch } from '../features/prepare-features.ts';
import { finishJudging, type Judged, judgeFeatures } from '../judge.ts';
import type { OpenRun } from '../open-run.ts';
import { openLoader } from '../run-data.ts';

/** Validation's answers, and its features, from which the ablations are judged without another look at pictures and words. */
export interface JudgedValidation {
  judged: Judged;
  features: FeatureSet;
}

/** Runs the backbones once over validation. */
export async function judgeValidation(open: OpenRun): Promise<JudgedValidation> {
  const { config, manifests, tokenizer, model } = open;
  const { batch_size: batchSize } = config.training;
  const loader = openLoader(config, manifests.val, { tokenizer, batchSize, shuffle: false, augment: false });
  const [parts, indices]: [EncodedBatch[], number[]] = [[], []];
  try {
    for await (const batch of loader.batches(0)) {
      throwIfStopped();
      parts.push(encodeBatch(model, batch));
      indices.push(...batch.indices);
    }
  } finally {
    await loader.close();
  }
  const features = joinFeatures(parts);
  const judged = await finishJudging(judgeFeatures(model, features));
  return { judged: { ...judged, indices: Int32Array.from(indices) }, features };
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
