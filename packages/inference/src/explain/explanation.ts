import type { Prediction } from '../parts.ts';

// Effects are differences of calibrated log-odds of FAKE, logit / temperature: positive speaks for FAKE, negative for REAL. Log-odds add
// up where probabilities saturate.

/** What one half of a post does to the verdict. */
export interface ModalityEffect {
  /** The verdict with the other half replaced by neutral input. */
  alone: Prediction;
  /** Its Shapley value: the two contributions add up to what the post differs by from neutral input. */
  contribution: number;
  /** |contribution| over the sum of both, in [0, 1]; ½ each when neither matters. */
  share: number;
}

/** A word of the text and what leaving it out changes. */
export interface WordWeight {
  word: string;
  /** Where it stands in the text, in UTF-16 units. */
  start: number;
  end: number;
  weight: number;
}

/** What hiding each part of the picture changes; row 0 is the top, column 0 the left, and cells stretch with the picture. */
export interface HeatMap {
  rows: number;
  columns: number;
  /** [rows][columns] */
  values: number[][];
}

/** Why a post got its verdict. */
export interface Explanation {
  prediction: Prediction;
  picture: ModalityEffect;
  words: ModalityEffect;
  /** The verdict on neutral input: a picture of the mean colour and a blank text. */
  neither: Prediction;
  /** What the pair says beyond its halves: positive when the two together look more FAKE than each of them does. */
  interaction: number;
  heatMap: HeatMap;
  /** In the order of the text; words beyond the length that the model reads are left out. */
  wordWeights: WordWeight[];
  /** Posts that were judged for it. */
  passes: number;
}
