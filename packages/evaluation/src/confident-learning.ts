import type { LabelId } from '@crosscheck/contract';
import { checkScores } from './scored.ts';

/** A row whose label the predictions contradict with confidence. */
export interface LabelSuspect {
  /** Position of the row. */
  row: number;
  label: LabelId;
  /** The other one. */
  suggested: LabelId;
  /** Of the suggested label. */
  probability: number;
  /** Probability of the given label minus that of the suggested one, in [−1, 0): the lowest is the most suspicious. */
  margin: number;
}

export interface ConfidentLearning {
  /** Mean probability of a label among the rows that have it: above it, a row counts as one of that label. NaN for a label without rows. */
  thresholds: [real: number, fake: number];
  /** [given label][confident label] rows. */
  joint: [[number, number], [number, number]];
  /** Estimated share of rows with a wrong label, by given label: the joint, scaled to the counts of the given labels. */
  noise: [real: number, fake: number];
  /** The most suspicious first. */
  suspects: LabelSuspect[];
}

/**
 * Confident learning (Northcutt, Jiang and Chuang 2021) for two labels: rows that are confidently of the label that they do not have. The
 * probabilities must come from models that have not seen the row (out of fold). With two labels, normalised margin and self-confidence rank alike.
 *
 * @param probabilities [N] probability of FAKE
 * @param labels [N] 0 REAL, 1 FAKE, as given
 * @throws CROSSCHECK_EVALUATION_LENGTHS, CROSSCHECK_EVALUATION_BAD_LABEL, CROSSCHECK_EVALUATION_BAD_PROBABILITY
 * @example learnConfidently([0.9, 0.1, 0.95, 0.2], [1, 0, 0, 0]).suspects[0].row // 2
 */
export function learnConfidently(probabilities: ArrayLike<number>, labels: ArrayLike<number>): ConfidentLearning {
  checkScores(probabilities, labels);
  const of = (row: number, label: LabelId) =>
    label === 1 ? (probabilities[row] as number) : 1 - (probabilities[row] as number);
  const rows = Array.from(labels, (_, row) => row);
  const meanOf = (label: LabelId) => {
    const own = rows.filter((row) => labels[row] === label);
    return own.reduce((sum, row) => sum + of(row, label), 0) / own.length;
  };
  const thresholds: [number, number] = [meanOf(0), meanOf(1)];
  const joint: ConfidentLearning['joint'] = [
    [0, 0],
    [0, 0],
  ];
  const suspects: LabelSuspect[] = [];
  for (const row of rows) {
    const label = labels[row] as LabelId;
    const confident = confidentLabel(of(row, 0), of(row, 1), thresholds);
    if (confident === null) continue;
    joint[label][confident]++;
    const margin = of(row, label) - of(row, confident);
    if (confident === label || margin >= 0) continue;
    suspects.push({ row, label, suggested: confident, probability: of(row, confident), margin });
  }
  suspects.sort((a, b) => a.margin - b.margin || a.row - b.row);
  const noise = ([0, 1] as const).map(
    (label) => joint[label][label === 0 ? 1 : 0] / (joint[label][0] + joint[label][1]),
  );
  return { thresholds, joint, noise: noise as [number, number], suspects };
}

/** The label whose threshold is reached; of both, the more probable one. */
function confidentLabel(real: number, fake: number, thresholds: readonly [number, number]): LabelId | null {
  // As cleanlab has it: a row exactly on the threshold, up to rounding, has reached it.
  const [isReal, isFake] = [real >= thresholds[0] - 1e-6, fake >= thresholds[1] - 1e-6];
  if (isReal && isFake) return fake > real ? 1 : 0;
  if (isReal) return 0;
  return isFake ? 1 : null;
}
