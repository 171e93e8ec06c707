import { createRandom } from '@crosscheck/contract';
import type { TrainingInput } from '@crosscheck/engine';

/** Probabilities that a post is shown without its picture, and without its words. They add up to at most 1. */
export interface ModalityDropout {
  image: number;
  text: number;
}

/**
 * Hides the picture or the words of some posts, so that the network learns to judge by one of them alone (ModDrop: Neverova et al. 2016). A post
 * never loses both, and one that lacks a part already keeps the other. The same seed hides the same parts.
 */
export function dropModalities(input: TrainingInput, { image, text }: ModalityDropout, seed: number): TrainingInput {
  if (image + text === 0) return input;
  const random = createRandom(seed, 'modality dropout');
  const hasImage = input.hasImage?.slice() ?? new Float32Array(input.size).fill(1);
  const hasText = input.hasText?.slice() ?? new Float32Array(input.size).fill(1);
  for (let row = 0; row < input.size; row++) {
    const draw = random.next(); // one for every post, so that a post's fate does not depend on the others
    if (hasImage[row] === 0 || hasText[row] === 0) continue;
    if (draw < image) hasImage[row] = 0;
    else if (draw < image + text) hasText[row] = 0;
  }
  return { ...input, hasImage, hasText };
}
