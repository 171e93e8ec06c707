import type { Sample } from '@crosscheck/data';
import { confidentMistakes } from '@crosscheck/evaluation';
import type { Mistake } from '@crosscheck/report';
import { placeOf } from '../predictions/prediction.ts';

interface JudgedSamples {
  probabilities: ArrayLike<number>;
  labels: ArrayLike<number>;
  /** Position of each row in the samples. */
  indices: ArrayLike<number>;
}

/** Every wrong verdict, the surest first, with what a reader needs to look at it. */
export function mistakesOf(judged: JudgedSamples, samples: readonly Sample[], threshold: number): Mistake[] {
  const { probabilities, labels, indices } = judged;
  return confidentMistakes(probabilities, labels, threshold, labels.length).map((row) => {
    const sample = samples[indices[row] ?? 0];
    return {
      image: sample?.imagePath || null,
      caption: sample?.text ?? '',
      label: labels[row] === 1 ? 1 : 0,
      probability: probabilities[row] as number,
      source: placeOf(sample),
    };
  });
}
