import type { LabelId, LabelName } from '@crosscheck/contract';
import type { AblatedAccuracy, CheckResult, Diagnosis, Estimate, ModelComparison } from '@crosscheck/evaluation';
import type { EpochRecord } from './history.ts';
import type { ScoredSplit } from './scored-split.ts';

/** A wrong verdict, to be looked at. */
export interface Mistake {
  /** Path or bytes of the picture; it is shown as a small copy. Null when there is none. */
  image: string | Uint8Array | null;
  caption: string;
  label: LabelId;
  /** Probability of FAKE, in [0, 1]. */
  probability: number;
  /** Where the post stands: `test.csv:17`. */
  source?: string;
}

/** A post that two models call differently. */
export interface Disagreement {
  image: string | Uint8Array | null;
  caption: string;
  label: LabelId;
  /** Probability of FAKE by the first and by the second. */
  probabilities: readonly [number, number];
  verdicts: readonly [LabelName, LabelName];
  source: string;
}

/** Two models, the second against the first. */
export interface JudgedPair {
  split: string;
  /** Short names, the first and the second. */
  names: readonly [string, string];
  /** Posts judged by each; the same ones where the comparison has pairs. */
  posts: readonly [number, number];
  comparison: ModelComparison;
  /** All of them, those on which the two are furthest apart first; left out where they judged different posts. */
  disagreements?: readonly Disagreement[];
}

/** Accuracies of the ablations; `describeModalityUse` says what each one is. */
export interface Ablations {
  full: Estimate;
  textOnly: AblatedAccuracy;
  imageOnly: AblatedAccuracy;
  shuffled?: AblatedAccuracy | null;
}

/** What one phase of the run was, in the words of the run. */
export interface PhaseDetails {
  phase: string;
  /** Column → value, such as `learning rate` → `1e-4`, `trainable` → `1,870,337`. */
  details: Record<string, string | number>;
}

/** Everything a report shows. Parts that are left out leave no section. */
export interface ReportData {
  title: string;
  version: string;
  /** ISO 8601. */
  createdAt: string;
  /** One or two sentences under the title. */
  description?: string;
  /** What readers should know first: skipped rows, a phase that was cut short. */
  warnings?: readonly string[];
  /** What is wrong with the model or its run, the most serious first. */
  diagnoses?: readonly Diagnosis[];
  epochs?: readonly EpochRecord[];
  phases?: readonly PhaseDetails[];
  /** The validation metric that chose the checkpoint; its best epoch is marked. */
  bestMetric?: string;
  evaluation?: ScoredSplit;
  /** Rows that calibration, threshold and abstaining are shown on, where these are others than the evaluation's. */
  calibration?: ScoredSplit;
  /** Value of a CSV column in each row of the evaluation, for a table by group. */
  groups?: { column: string; values: readonly string[] };
  ablations?: Ablations;
  /** Against another model on the same posts. */
  rival?: JudgedPair;
  checks?: Readonly<Record<string, CheckResult>>;
  /** All of them, the surest first: the first few dozen are shown with their pictures. */
  mistakes?: readonly Mistake[];
  /** What the model says of itself: name → fact. */
  model?: Readonly<Record<string, string>>;
  /** The config that the model was trained with, where that is not `config`. */
  trainedWith?: { config: unknown; origins: Readonly<Record<string, string>> };
  /** The composed config. */
  config?: unknown;
  /** Dotted config key → file and line, or override, that set it. */
  configOrigins?: Readonly<Record<string, string>>;
  /** Name → version or fact of the machine and the code. */
  environment?: Readonly<Record<string, string>>;
}
