// How the projected parts of a post come together. Plain concatenation, the default, has a way back of its own; everything else is small, so its
// way back is tfjs's tape over ../join.ts.
//
// Shapes: B samples, E embedding (512).
import { tf } from '@crosscheck/tensorflow';
import type { FusionNetwork } from '../fusion.ts';
import { join, type Projected } from '../join.ts';
import { lacksAny } from '../presence.ts';
import { release } from './kernels.ts';
import type { Work } from './work.ts';

export interface Joined {
  y: tf.Tensor; // [B, 2E] or [B, E]
  strategy: FusionNetwork['strategy'];
  /** What the tape starts from, with the parameters that are read on the way; null where nothing but a concatenation happened. */
  taped: { parts: Projected; names: string[] } | null;
}

/** Takes over image and words, [B, E] each. */
export function joinParts(work: Work, { strategy }: FusionNetwork, parts: Projected): Joined {
  const { image, words, presence } = parts;
  if (strategy === 'concat' && !lacksAny(presence.hasImage) && !lacksAny(presence.hasText)) {
    const y = tf.concat([image, words], 1); // [B, 2E]
    release(image, words);
    return { y, strategy, taped: null };
  }
  const names = new Set<string>();
  const weight = (name: string) => {
    names.add(name);
    return work.weight(name);
  };
  const y = tf.tidy(() => join({ ...work, weight }, strategy, parts));
  return { y, strategy, taped: { parts, names: [...names] } };
}

type Gradients = [image: tf.Tensor, words: tf.Tensor, ...weights: tf.Tensor[]];

/** dy, as y →  the gradients of image and words; frees what was kept. */
export function joinBackward(
  work: Work,
  { y, strategy, taped }: Joined,
  dy: tf.Tensor,
): { image: tf.Tensor; words: tf.Tensor } {
  y.dispose();
  if (taped === null) {
    const [image, words] = tf.split(dy, 2, 1) as [tf.Tensor, tf.Tensor]; // [B, E] each
    return { image, words };
  }
  const { parts, names } = taped;
  const joinOf = (image: tf.Tensor, words: tf.Tensor, ...values: tf.Tensor[]) => {
    const weight = (name: string) => values[names.indexOf(name)] as tf.Tensor;
    return join({ ...work, weight }, strategy, { ...parts, image, words });
  };
  const inputs = [parts.image, parts.words, ...names.map((name) => work.weight(name))];
  const [image, words, ...gradients] = tf.tidy(() => tf.grads(joinOf as never)(inputs, dy)) as Gradients;
  names.forEach((name, i) => work.learn(name, () => (gradients[i] as tf.Tensor).clone()));
  release(parts.image, parts.words, gradients);
  return { image, words };
}
