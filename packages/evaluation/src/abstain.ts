import { CrosscheckError, decide, type LabelName } from '@crosscheck/contract';
import { checkScores } from './scored.ts';

/** Probabilities in [low, high] are too close to the threshold to say. */
export interface AbstainBand {
  low: number;
  high: number;
  /** Share of rows that still get a verdict. */
  coverage: number;
  /** Accuracy of those verdicts. */
  accuracy: number;
}

interface Judged {
  distance: number;
  correct: number;
}

function judgeAll(probabilities: ArrayLike<number>, labels: ArrayLike<number>, threshold: number): Judged[] {
  return Array.from(probabilities, (p, i) => ({
    distance: Math.abs(p - threshold),
    correct: decide(p, threshold).labelId === labels[i] ? 1 : 0,
  })).sort((a, b) => b.distance - a.distance);
}

/**
 * Finds the narrowest band around the threshold outside of which verdicts reach the target accuracy.
 * Null when every row may be judged, and when no band is enough.
 *
 * @param targetAccuracy in (0, 1], of the rows that get a verdict
 * @throws CROSSCHECK_EVALUATION_BAD_RULE when the target is out of range, and those of `computeMetrics`
 */
export function fitAbstainBand(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  threshold: number,
  targetAccuracy: number,
): AbstainBand | null {
  checkScores(probabilities, labels);
  if (!(targetAccuracy > 0 && targetAccuracy <= 1)) {
    throw new CrosscheckError(
      'CROSSCHECK_EVALUATION_BAD_RULE',
      `expected a target accuracy in (0, 1], got ${targetAccuracy}`,
    );
  }
  const judged = judgeAll(probabilities, labels, threshold);
  let [correct, best] = [0, null as AbstainBand | null];
  for (const [i, row] of judged.entries()) {
    correct += row.correct;
    const nearest = judged[i + 1]?.distance;
    const accuracy = correct / (i + 1);
    if (nearest === row.distance || accuracy < targetAccuracy) continue;
    if (nearest === undefined) return null;
    const [low, high] = [Math.max(0, threshold - nearest), Math.min(1, threshold + nearest)];
    best = { low, high, coverage: (i + 1) / judged.length, accuracy };
  }
  return best;
}

/** The verdict's name, or UNSURE inside the band. */
export function decideOrAbstain(
  probabilityFake: number,
  threshold: number,
  band: Pick<AbstainBand, 'low' | 'high'> | null,
): LabelName | 'UNSURE' {
  if (band !== null && probabilityFake >= band.low && probabilityFake <= band.high) return 'UNSURE';
  return decide(probabilityFake, threshold).prediction;
}
