import path from 'node:path';
import { CrosscheckError, type LabelId, type LabelName, labelNames } from '@crosscheck/contract';
import type { Sample } from '@crosscheck/data';
import { logLoss } from '@crosscheck/evaluation';

/** One judged post, as a line of `predictions.csv`. */
export interface Prediction {
  /** `test.csv:17`, or the post's own name. */
  id: string;
  /** Absolute path; `''` for a post without a picture. */
  image: string;
  text: string;
  label: LabelId;
  /** Probability of FAKE, temperature applied. */
  probability: number;
  verdict: LabelName;
  split: string;
  /** What the post adds to the log loss. */
  loss: number;
}

interface JudgedRows {
  /** [N] probability of FAKE */
  probabilities: ArrayLike<number>;
  labels: ArrayLike<number>;
  /** [N] position of each row in the samples */
  indices: ArrayLike<number>;
}

export interface PredictionOptions {
  split: string;
  /** FAKE iff the probability is above it. */
  threshold: number;
  /** CSV column that names a post; null = file and line. */
  idColumn: string | null;
}

/** Where a post stands: `test.csv:17`. */
export const placeOf = (sample: Sample | undefined): string =>
  sample === undefined ? '' : `${path.basename(sample.file)}:${sample.line}`;

/** Every judged post, in the order of the file. */
export function predictionsOf(
  { probabilities, labels, indices }: JudgedRows,
  samples: readonly Sample[],
  { split, threshold, idColumn }: PredictionOptions,
): Prediction[] {
  return Array.from(labels, (given, row): Prediction => {
    const sample = samples[indices[row] as number];
    const [probability, label] = [probabilities[row] as number, given === 1 ? 1 : 0] as const;
    return {
      id: idColumn === null ? placeOf(sample) : (sample?.row[idColumn] ?? ''),
      image: sample?.imagePath ?? '',
      text: sample?.text ?? '',
      label,
      probability,
      verdict: labelNames[probability > threshold ? 1 : 0],
      split,
      loss: logLoss(probability, label),
    };
  });
}

/** @throws CROSSCHECK_EVALUATION_REPEATED_ID when a column was to name the posts, and names two of them alike */
export function requireOwnIds(predictions: readonly Prediction[], column: string | null): void {
  const seen = new Set<string>();
  const repeated = predictions.find(({ id }) => seen.size === seen.add(id).size);
  if (column === null || repeated === undefined) return;
  throw new CrosscheckError(
    'CROSSCHECK_EVALUATION_REPEATED_ID',
    `expected another value in each row of the column "${column}", got "${repeated.id}" twice; name a column that tells the rows apart with evaluation.id_column, or null for file and line`,
  );
}
