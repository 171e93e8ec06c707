import { sortScores } from '../scored.ts';

/** One column of a reliability diagram. */
export interface CalibrationBin {
  /** Lower edge, exclusive (inclusive in the first bin). */
  low: number;
  /** Upper edge, inclusive. */
  high: number;
  rows: number;
  /** Mean probability of FAKE of the bin's rows; NaN when it has none. */
  meanProbability: number;
  /** Share of FAKE among the bin's rows; NaN when it has none. */
  shareFake: number;
}

/** Bin of a probability: (i/n, (i+1)/n], with 0 in the first, as scikit-learn's `calibration_curve` cuts them. */
export function positionInBins(probability: number, bins: number): number {
  const width = 1 / bins;
  let bin = Math.min(bins - 1, Math.max(0, Math.ceil(probability * bins) - 1));
  // The product above may round across an edge; the edges themselves decide.
  while (bin > 0 && probability <= bin * width) bin--;
  while (bin < bins - 1 && probability > (bin + 1) * width) bin++;
  return bin;
}

/**
 * Cuts the rows into equal-width bins of probability and compares what was said with what was true.
 *
 * @throws CROSSCHECK_EVALUATION_LENGTHS, CROSSCHECK_EVALUATION_BAD_LABEL, CROSSCHECK_EVALUATION_BAD_PROBABILITY
 */
export function calibrationBins(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  bins = 10,
): CalibrationBin[] {
  const scored = sortScores(probabilities, labels);
  const [rows, sums, fakes] = [new Float64Array(bins), new Float64Array(bins), new Float64Array(bins)];
  scored.probabilities.forEach((p, i) => {
    const bin = positionInBins(p, bins);
    rows[bin] = (rows[bin] as number) + 1;
    sums[bin] = (sums[bin] as number) + p;
    fakes[bin] = (fakes[bin] as number) + (scored.labels[i] as number);
  });
  return Array.from(rows, (count, bin) => ({
    low: bin / bins,
    high: (bin + 1) / bins,
    rows: count,
    meanProbability: (sums[bin] as number) / count,
    shareFake: (fakes[bin] as number) / count,
  }));
}
