import { tf } from '@crosscheck/tensorflow';

export interface LossOptions {
  /** Weight of FAKE samples against REAL ones (PyTorch's `pos_weight`); 1 by default. */
  positiveWeight?: number;
  /** Moves the targets 0 and 1 by half of it towards each other; 0 by default. */
  labelSmoothing?: number;
  /** Focal loss (Lin et al. 2017): a sample that is judged right with probability p counts (1 − p)^γ; 0, plain entropy, by default. */
  focalGamma?: number;
}

/**
 * Mean binary cross entropy of logits, computed without overflow: with p the positive weight,
 * (1 − y) · x + (1 + (p − 1) · y) · log(1 + e^−x).
 *
 * @param logits [B, 1]
 * @param labels [B, 1], 0 REAL and 1 FAKE
 * @returns a scalar, in nats
 */
export function binaryCrossEntropy(
  logits: tf.Tensor2D,
  labels: tf.Tensor2D,
  { positiveWeight = 1, labelSmoothing = 0, focalGamma = 0 }: LossOptions = {},
): tf.Scalar {
  return tf.tidy(() => {
    const targets = tf.add(tf.mul(labels, 1 - labelSmoothing), labelSmoothing / 2); // [B, 1]
    const weights = tf.add(tf.mul(targets, positiveWeight - 1), 1); // [B, 1]
    const surprise = tf.mul(weights, tf.softplus(tf.neg(logits))); // [B, 1]
    const losses = tf.add(tf.mul(tf.sub(1, targets), logits), surprise); // [B, 1]
    return tf.mean(focalGamma === 0 ? losses : tf.mul(losses, focalWeights(logits, labels, focalGamma)));
  });
}

/** (1 − p)^γ with p the probability of the true label, as exp(−γ · softplus(±x)), which neither overflows nor has a bad gradient at 0. */
function focalWeights(logits: tf.Tensor2D, labels: tf.Tensor2D, gamma: number): tf.Tensor {
  const towardsTruth = tf.mul(logits, tf.sub(tf.mul(labels, 2), 1)); // [B, 1]
  return tf.exp(tf.mul(tf.softplus(towardsTruth), -gamma)); // [B, 1]
}
