import { createRandom, sigmoid } from '@crosscheck/contract';
import { applyTemperature } from '@crosscheck/evaluation';
import type { ScoredSplit } from '../src/index.ts';

/** An overconfident model's rows, before and after a temperature of 2. */
export function exampleSplit(rows: number, seed = 1): ScoredSplit {
  const random = createRandom(seed, 'split');
  const truths = Float64Array.from({ length: rows }, () => 2.4 * random.normal());
  const labels = Uint8Array.from(truths, (truth) => (random.next() < sigmoid(truth) ? 1 : 0));
  const logits = truths.map((truth) => 2 * truth);
  return {
    split: 'test',
    labels,
    probabilities: applyTemperature(logits, 2),
    uncalibrated: applyTemperature(logits, 1),
    threshold: 0.46,
  };
}
