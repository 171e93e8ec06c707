import { CrosscheckError, sigmoid } from '@crosscheck/contract';
import { computeMetrics } from '../metrics.ts';
import { requireBothClasses } from '../scored.ts';

export interface TemperatureFit {
  /** probability = sigmoid(logit / temperature); above 1 softens an overconfident model. */
  temperature: number;
  /** The fit stopped at the end of the allowed range: the logits separate the classes, or contradict the labels. */
  atLimit: boolean;
  before: { loss: number; ece: number; brier: number };
  after: { loss: number; ece: number; brier: number };
}

/** Temperatures outside this range say that the logits, not their scale, are wrong. */
const temperatureRange = { min: 0.05, max: 20 };

/** sigmoid(logit / temperature) of each logit. */
export function applyTemperature(logits: ArrayLike<number>, temperature: number): Float64Array {
  return Float64Array.from(logits, (logit) => sigmoid(logit / temperature));
}

function checkLogits(logits: ArrayLike<number>): void {
  for (let i = 0; i < logits.length; i++) {
    if (Number.isFinite(logits[i])) continue;
    const message = `expected finite logits, got ${logits[i]} in row ${i}; a diverged model cannot be calibrated`;
    throw new CrosscheckError('CROSSCHECK_EVALUATION_BAD_LOGIT', message);
  }
}

/** First and second derivative of the mean negative log likelihood by the inverse temperature. */
function slopeAt(scale: number, logits: ArrayLike<number>, labels: ArrayLike<number>): [number, number] {
  let [slope, curvature] = [0, 0];
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i] as number;
    const p = sigmoid(scale * logit);
    slope += (p - (labels[i] as number)) * logit;
    curvature += p * (1 - p) * logit * logit;
  }
  return [slope / logits.length, curvature / logits.length];
}

/** Root of the slope in [low, high] by Newton's method, halving the bracket whenever a step leaves it. */
function minimiseScale(logits: ArrayLike<number>, labels: ArrayLike<number>, low: number, high: number): number {
  if (slopeAt(low, logits, labels)[0] >= 0) return low;
  if (slopeAt(high, logits, labels)[0] <= 0) return high;
  let [below, above, scale] = [low, high, Math.min(1, high)];
  for (let step = 0; step < 100 && above - below > 1e-12; step++) {
    const [slope, curvature] = slopeAt(scale, logits, labels);
    if (slope < 0) below = scale;
    else above = scale;
    const newton = scale - slope / curvature;
    const next = newton > below && newton < above ? newton : (below + above) / 2;
    if (Math.abs(next - scale) < 1e-12) return next;
    scale = next;
  }
  return scale;
}

/**
 * Fits the temperature that minimises the log loss on held-out rows (Guo et al. 2017): Newton's method on 1 / temperature, in which the
 * loss is convex. Verdicts at threshold 0.5 do not change; probabilities do.
 *
 * @param logits [N] raw model outputs
 * @param labels [N] 0 REAL, 1 FAKE; use rows that neither training nor the choice of checkpoint has seen
 * @throws CROSSCHECK_EVALUATION_ONE_CLASS, CROSSCHECK_EVALUATION_BAD_LOGIT, CROSSCHECK_EVALUATION_LENGTHS
 */
export function fitTemperature(logits: ArrayLike<number>, labels: ArrayLike<number>): TemperatureFit {
  checkLogits(logits);
  const before = computeMetrics(applyTemperature(logits, 1), labels);
  requireBothClasses(labels, 'fit a temperature');
  const [low, high] = [1 / temperatureRange.max, 1 / temperatureRange.min];
  const scale = minimiseScale(logits, labels, low, high);
  const after = computeMetrics(applyTemperature(logits, 1 / scale), labels);
  return {
    temperature: 1 / scale,
    atLimit: scale === low || scale === high,
    before: { loss: before.loss, ece: before.ece, brier: before.brier },
    after: { loss: after.loss, ece: after.ece, brier: after.brier },
  };
}
