import type { MeasuredMetrics } from '../better-epoch.ts';
import { bootstrapIntervals, type Estimate } from '../intervals.ts';
import type { Confusion } from '../metrics.ts';

/** How the optimizer steps of an epoch went. */
export interface StepSummary {
  /** Steps that changed weights. */
  taken: number;
  /** Steps without a finite loss or gradient. */
  skipped: number;
  /** Loss of the first step that was taken. */
  firstLoss: number | null;
  /** Global norm of the gradients before clipping: 5 % quantile and median. */
  lowGradientNorm: number | null;
  gradientNorm: number | null;
}

/** An epoch as training leaves it. */
export interface TrainedEpoch {
  phase: string;
  /** Counted over the whole run, from 1. */
  epoch: number;
  /** `train/loss`, `val/accuracy`, … */
  metrics: MeasuredMetrics;
  steps?: StepSummary | undefined;
}

/** What a model said of some labelled posts. */
export interface Verdicts {
  confusion: Confusion;
  /** With its 95 % interval; NaN where one label is missing. */
  rocAuc: Estimate;
  /** Log loss of the probabilities. */
  loss: number;
}

/** A phase and its peak learning rate. */
export interface PhaseRate {
  phase: string;
  rate: number;
  /** The key of the config that sets it. */
  key: string;
}

/** What diagnoses are made from. Parts that are not known leave the diagnoses that need them out. */
export interface DiagnosisInput {
  verdicts: Verdicts;
  /** Finished epochs in their order. */
  epochs?: readonly TrainedEpoch[];
  phases?: readonly PhaseRate[];
  /** How many posts it was trained on. */
  trainingRows?: number;
  /** Share of FAKE among the training posts. */
  trainingShare?: number;
  /** probability = sigmoid(logit / temperature). */
  temperature?: number;
  /** Dotted key of the config → its value as text: what is not used yet is advised. */
  settings?: Readonly<Record<string, string>>;
}

/** Counts and figures of posts that were judged. */
export function verdictsOf(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  threshold: number,
  rocAuc: Estimate = bootstrapIntervals(probabilities, labels, { threshold }).rocAuc,
): Verdicts {
  const confusion: Confusion = { tn: 0, fp: 0, fn: 0, tp: 0 };
  let loss = 0;
  for (let i = 0; i < labels.length; i++) {
    const [p, isFake] = [probabilities[i] as number, labels[i] === 1];
    confusion[cells[`${isFake}-${p > threshold}`]] += 1;
    loss -= Math.log(Math.max(smallest, isFake ? p : 1 - p)) / labels.length;
  }
  return { confusion, rocAuc, loss };
}

const cells = { 'false-false': 'tn', 'false-true': 'fp', 'true-false': 'fn', 'true-true': 'tp' } as const;
const smallest = Number.EPSILON;

/** The same from what an epoch measured on `real` and `fake` posts, for runs whose answers are not kept. */
export function verdictsOfEpoch(metrics: MeasuredMetrics, real: number, fake: number): Verdicts {
  const tp = Math.round((metrics['val/recall'] ?? 0) * fake);
  const tn = Math.round((metrics['val/accuracy'] ?? 0) * (real + fake)) - tp;
  const confusion = { tn, fp: real - tn, fn: fake - tp, tp };
  return {
    confusion,
    rocAuc: rankingInterval(metrics['val/auc'] ?? Number.NaN, real, fake),
    loss: metrics['val/loss'] ?? Number.NaN,
  };
}

/** ROC-AUC with its 95 % interval from its value alone (Hanley and McNeil 1982). */
function rankingInterval(value: number, real: number, fake: number): Estimate {
  const [q1, q2] = [value / (2 - value), (2 * value ** 2) / (1 + value)];
  const variance =
    (value * (1 - value) + (fake - 1) * (q1 - value ** 2) + (real - 1) * (q2 - value ** 2)) / (real * fake);
  const half = 1.96 * Math.sqrt(variance);
  return { value, low: Math.max(0, value - half), high: Math.min(1, value + half) };
}

/** Figures that several diagnoses look at. N posts. */
export interface Facts extends DiagnosisInput {
  epochs: readonly TrainedEpoch[];
  phases: readonly PhaseRate[];
  rows: number;
  real: number;
  fake: number;
  accuracy: number;
  /** Of the commoner label among the judged posts. */
  commonest: number;
  /** Log loss of saying the share of FAKE posts every time. */
  priorLoss: number;
  /** The lowest validation loss of the run; that of the verdicts where the epochs are not known. */
  lowestLoss: number;
}

export function factsOf(input: DiagnosisInput): Facts {
  const { epochs = [], phases = [], verdicts } = input;
  const { tn, fp, fn, tp } = verdicts.confusion;
  const [real, fake, rows] = [tn + fp, fn + tp, tn + fp + fn + tp];
  const share = fake / rows;
  const losses = epochs.map(({ metrics }) => metrics['val/loss']).filter((loss) => loss !== undefined);
  return {
    ...input,
    epochs,
    phases,
    rows,
    real,
    fake,
    accuracy: (tp + tn) / rows,
    commonest: Math.max(real, fake) / rows,
    priorLoss: -(share * Math.log(share) + (1 - share) * Math.log(1 - share)),
    lowestLoss: losses.length > 0 ? Math.min(...losses) : verdicts.loss,
  };
}
