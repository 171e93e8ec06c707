import { type AbstainBand, abstain, CrosscheckError, type MaybeVerdict } from '@crosscheck/contract';
import type { Classifier } from './classifier.ts';
import type { Prediction } from './parts.ts';

/** A prediction, or UNSURE in its place where abstaining was asked for. */
export type MaybePrediction = Omit<Prediction, 'prediction' | 'labelId'> & MaybeVerdict;

/**
 * The band in which a classifier answers UNSURE when it is asked to abstain.
 *
 * @throws CROSSCHECK_INFERENCE_NO_BAND, CROSSCHECK_INFERENCE_BAND_MISPLACED when it does not lie around the threshold
 */
export function requireBand({ abstainBand, threshold, artifact }: Classifier): AbstainBand {
  if (abstainBand) {
    const { low, high } = abstainBand;
    if (low <= threshold && threshold <= high) return abstainBand;
    const message = `expected the abstain band around the threshold ${threshold}, got ${low} to ${high}; set inference.output.threshold and .abstain_band together, or neither`;
    throw new CrosscheckError('CROSSCHECK_INFERENCE_BAND_MISPLACED', message);
  }
  const message = `model ${artifact.name} ${artifact.version} has no abstain band; fit one with pnpm calibrate calibration.target_accuracy=… and export again, or set inference.output.abstain_band (serve.abstain_band)`;
  throw new CrosscheckError('CROSSCHECK_INFERENCE_NO_BAND', message);
}

/** The prediction, or UNSURE inside the band; without a band always the prediction. */
export function withBand(prediction: Prediction, band: AbstainBand | null): MaybePrediction {
  return band === null ? prediction : abstain(prediction, band);
}
