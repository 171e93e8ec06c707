import type { LossOptions } from '../loss.ts';

export interface LossAndGradient {
  /** Mean over the batch, in nats. */
  loss: number;
  /** Of every logit, [B]. */
  gradient: Float32Array;
}

/**
 * Binary cross entropy as ../loss.ts defines it: with the target y and w = 1 + (p − 1) · y,
 * (1 − y) · x + w · log(1 + e^−x), and its derivative (1 − y) − w / (1 + e^x). A focal γ multiplies the loss by (1 − p)^γ, and its
 * derivative follows by the product rule.
 *
 * @param logits [B]
 * @param labels [B], 0 REAL and 1 FAKE
 */
export function crossEntropy(
  logits: Float32Array,
  labels: Float32Array,
  { positiveWeight = 1, labelSmoothing = 0, focalGamma = 0 }: LossOptions,
): LossAndGradient {
  const count = logits.length;
  let loss = 0;
  const gradient = logits.map((x, i) => {
    const y = (labels[i] as number) * (1 - labelSmoothing) + labelSmoothing / 2;
    const weight = 1 + (positiveWeight - 1) * y;
    const plain = (1 - y) * x + weight * softplus(-x);
    const slope = 1 - y - weight / (1 + Math.exp(x));
    const sign = 2 * (labels[i] as number) - 1;
    const focus = Math.exp(-focalGamma * softplus(sign * x)); // (1 − p)^γ, p the probability of the true label
    loss += (focus * plain) / count;
    return (focus * (slope - (focalGamma * sign * plain) / (1 + Math.exp(-sign * x)))) / count;
  });
  return { loss, gradient };
}

/** log(1 + e^x) without overflow */
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
