import type { AbstainBand } from '@crosscheck/contract';

/** Rows of one split with their labels: what every evaluation plot is drawn from. */
export interface ScoredSplit {
  /** Name for headings: `test`, `validation`, … */
  split: string;
  /** [N] probability of FAKE, in [0, 1], as the model gives it (temperature applied). */
  probabilities: ArrayLike<number>;
  /** [N] 0 REAL, 1 FAKE. */
  labels: ArrayLike<number>;
  /** FAKE iff probability > threshold, strictly. */
  threshold: number;
  /** [N] the probabilities before calibration, for a reliability plot before and after. */
  uncalibrated?: ArrayLike<number>;
  /** UNSURE in here, for those who ask for it. */
  abstainBand?: AbstainBand;
  /** What readers must know of these rows: whether the model was trained, chosen or calibrated on them. */
  note?: string;
}
