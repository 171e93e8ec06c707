import type { LabelId } from '@crosscheck/contract';
import type { CheckResult, Diagnosis, Estimate } from '@crosscheck/evaluation';
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

/** Accuracies of the ablations; `describeModalityUse` says what each one is. */
export interface Ablations {
  full: Estimate;
  textOnly: Estimate;
  imageOnly: Estimate;
  shuffled?: Estimate | null;
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
  checks?: Readonly<Record<string, CheckResult>>;
  mistakes?: readonly Mistake[];
  /** The composed config. */
  config?: unknown;
  /** Dotted config key → file and line, or override, that set it. */
  configOrigins?: Readonly<Record<string, string>>;
  /** Name → version or fact of the machine and the code. */
  environment?: Readonly<Record<string, string>>;
}
