import type { AbstainBand } from './decision.ts';
import { CrosscheckError } from './errors/errors.ts';

/** Label names by id: 0 = REAL, 1 = FAKE. Fakeddit's `2_way_label` says the opposite; its converter flips. */
export const labelNames = ['REAL', 'FAKE'] as const;

export type LabelName = (typeof labelNames)[number];
export type LabelId = 0 | 1;

/** The label meaning as it is written into configs, checkpoints, ONNX metadata and API answers. */
export const labelMap: Readonly<Record<string, LabelName>> = { 0: 'REAL', 1: 'FAKE' };

/**
 * Refuses a label meaning that is not ours, before anything is judged by it.
 *
 * @param labels as the file has them: label ids to names, or the JSON text of that
 * @param where what says so: a file, for the message
 * @throws CROSSCHECK_LABELS_MIXED
 */
export function requireLabelMeaning(labels: unknown, where: string): void {
  const said = typeof labels === 'string' ? labels : JSON.stringify(labels);
  if (said?.replaceAll(/\s/g, '') === JSON.stringify(labelMap)) return;
  const message = `expected ${where} to mean 0 = REAL and 1 = FAKE, got ${said ?? 'no meaning'}: taken together they would call true posts fake. Nothing was judged. Make the file again with labels of this meaning; a checkpoint that was trained elsewhere on 1 = REAL is read with model.positive_class=real`;
  throw new CrosscheckError('CROSSCHECK_LABELS_MIXED', message);
}

/** What callers get who let the model abstain. */
export type Answer = LabelName | 'UNSURE';

export interface Verdict {
  prediction: LabelName;
  labelId: LabelId;
  /** Probability of the label given, in [0.5, 1] at the default threshold. */
  confidence: number;
}

/** Logistic function, computed without overflow for large |logit|. */
export function sigmoid(logit: number): number {
  if (logit >= 0) return 1 / (1 + Math.exp(-logit));
  const e = Math.exp(logit);
  return e / (1 + e);
}

/**
 * FAKE iff the probability is strictly above the threshold; confidence is the probability of the label given.
 *
 * @param probabilityFake in [0, 1]
 */
export function decide(probabilityFake: number, threshold: number): Verdict {
  return probabilityFake > threshold
    ? { prediction: 'FAKE', labelId: 1, confidence: probabilityFake }
    : { prediction: 'REAL', labelId: 0, confidence: 1 - probabilityFake };
}

/** A verdict, or that there is none: then its label id is −1, and its confidence that of the side it leans to. */
export interface MaybeVerdict extends Omit<Verdict, 'prediction' | 'labelId'> {
  prediction: Answer;
  labelId: LabelId | -1;
}

/** The verdict unless its probability lies in the band, ends included. */
export function abstain<V extends Verdict & { probabilityFake: number }>(
  verdict: V,
  { low, high }: AbstainBand,
): Omit<V, 'prediction' | 'labelId'> & MaybeVerdict {
  const isSure = verdict.probabilityFake < low || verdict.probabilityFake > high;
  return isSure ? verdict : { ...verdict, prediction: 'UNSURE', labelId: -1 };
}
