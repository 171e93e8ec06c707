import type { LossOptions } from '../loss.ts';

export interface LossAndGradient {
  /** Mean over the batch, in nats. */
  loss: number;
  /** Of every logit, [B]. */
  gradient: Float32Array;
}

/**
 * Binary cross entropy as ../loss.ts defines it: with the target y and w = 1 + (p − 1) · y,
 * (1 − y) · x + w · log(1 + e^−x), and its derivative (1 − y) − w / (1 + e^x).
 *
 * @param logits [B]
 * @param labels [B], 0 REAL and 1 FAKE
 */
export function crossEntropy(
  logits: Float32Array,
  labels: Float32Array,
  { positiveWeight = 1, labelSmoothing = 0 }: LossOptions,
): LossAndGradient {
  const count = logits.length;
  let loss = 0;
  const gradient = logits.map((x, i) => {
    const y = (labels[i] as number) * (1 - labelSmoothing) + labelSmoothing / 2;
    const weight = 1 + (positiveWeight - 1) * y;
    loss += ((1 - y) * x + weight * softplus(-x)) / count;
    return (1 - y - weight / (1 + Math.exp(x))) / count;
  });
  return { loss, gradient };
}

/** log(1 + e^x) without overflow */
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
