import { readFileSync } from 'node:fs';
import { difference } from '@crosscheck/testkit';
import { samplePositions } from './formula.ts';

/** [norm of the whole tensor, sampled values…] */
type Sampled = number[];

export interface NetworkGolden {
  source: string;
  lengths: number[];
  training: boolean;
  logits: number[];
  loss: number;
  observed: Record<string, Sampled>;
}

export interface GradientGolden {
  gradients: Record<string, Sampled>;
  statistics?: Record<string, Sampled>;
}

export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(`${import.meta.dirname}/golden/${name}.json`, 'utf8')) as T;
}

export interface Agreement {
  /** Of the sampled values. */
  cosine: number;
  /** ‖ours − theirs‖ / ‖theirs‖ over the sampled values. */
  relative: number;
  /** |‖ours‖ − ‖theirs‖| / ‖theirs‖ over the whole tensor. */
  norm: number;
}

/** Compares a whole tensor with the golden's norm and samples of it. */
export function agreement(name: string, values: Float32Array, [norm = 0, ...expected]: Sampled): Agreement {
  const positions = samplePositions(name, values.length, expected.length);
  const actual = positions.map((position) => values[position] as number);
  const error = Math.hypot(...actual.map((value, i) => value - (expected[i] as number)));
  const tiny = Number.MIN_VALUE;
  return {
    cosine: difference(actual, expected).cosine,
    relative: error / Math.max(tiny, Math.hypot(...expected)),
    norm: Math.abs(norm2(values) - norm) / Math.max(tiny, norm),
  };
}

function norm2(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

/**
 * Parameters whose gradient is 0 in exact arithmetic, so that rounding is all that is left of it: a key's bias adds the same to every
 * score of a softmax, and what a block's last norm adds to a channel is taken away by the next batch norm in training.
 */
export function vanishesInTheory(name: string, training: boolean): boolean {
  if (name.endsWith('k_lin.bias')) return true;
  return training && /features\.\d+\.\d+\.block\.(3|2)\.1\.bias$/.test(name) && isLastNorm(name);
}

/** A block without expansion ends in part 2, the others in part 3. */
function isLastNorm(name: string): boolean {
  const [, stage, part] = /features\.(\d+)\.\d+\.block\.(\d)/.exec(name) ?? [];
  return part === (stage === '1' ? '2' : '3');
}
