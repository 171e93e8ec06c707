import type { Prediction } from '../parts.ts';
import type { ModalityEffect } from './explanation.ts';

/** Log-odds of FAKE of the post, of each half beside neutral input, and of neutral input alone. */
export interface Halves<T> {
  both: T;
  pictureOnly: T;
  wordsOnly: T;
  neither: T;
}

export interface ModalityEffects {
  picture: ModalityEffect;
  words: ModalityEffect;
  interaction: number;
}

/** Shapley values of two players: what each adds when it comes first and when it comes second, averaged. */
export function weighModalities(logOdds: Halves<number>, alone: Halves<Prediction>): ModalityEffects {
  const { both, pictureOnly, wordsOnly, neither } = logOdds;
  const picture = (pictureOnly - neither + (both - wordsOnly)) / 2;
  const words = (wordsOnly - neither + (both - pictureOnly)) / 2;
  const total = Math.abs(picture) + Math.abs(words);
  const share = (contribution: number) => (total === 0 ? 0.5 : Math.abs(contribution) / total);
  return {
    picture: { alone: alone.pictureOnly, contribution: picture, share: share(picture) },
    words: { alone: alone.wordsOnly, contribution: words, share: share(words) },
    interaction: both - pictureOnly - wordsOnly + neither,
  };
}
