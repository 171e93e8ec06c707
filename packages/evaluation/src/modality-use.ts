import type { Estimate } from './intervals.ts';

/** What the ablations show: which of its two inputs a model uses. */
export interface ModalityUse {
  /** `undecided`: these rows show no loss in either ablation. */
  verdict: 'both' | 'text' | 'image' | 'undecided';
  usesText: boolean;
  usesImage: boolean;
  /** Whether it weighs the two against each other; null when the pairs were not shuffled. */
  usesPairing: boolean | null;
  /** Two or three plain sentences with the figures. */
  summary: string;
}

function formatEstimate({ value, low, high }: Estimate): string {
  return `${value.toFixed(3)} (95 % interval ${low.toFixed(3)} to ${high.toFixed(3)})`;
}

const sentences: Record<ModalityUse['verdict'], string> = {
  both: 'The model uses both picture and words: replacing either one costs accuracy.',
  text: 'The model relies on the words: replacing the picture costs no accuracy that these rows can show.',
  image: 'The model relies on the picture: replacing the words costs no accuracy that these rows can show.',
  undecided: 'These rows do not show that the model uses either input: replacing one costs no accuracy beyond chance.',
};

function verdictOf(usesText: boolean, usesImage: boolean): ModalityUse['verdict'] {
  if (usesText && usesImage) return 'both';
  if (usesText) return 'text';
  return usesImage ? 'image' : 'undecided';
}

/**
 * Says plainly whether a model uses both inputs. An input counts as used when the accuracy without it lies below the full model's by more
 * than chance: the intervals do not touch, which is stricter than a 5 % test of the difference.
 *
 * @param full accuracy on posts as they are
 * @param textOnly accuracy when every picture comes from another post
 * @param imageOnly accuracy when every caption comes from another post
 * @param shuffled accuracy when pictures are exchanged among posts of the same label, which keeps each part's own hints and breaks the pair
 */
export function describeModalityUse(
  full: Estimate,
  textOnly: Estimate,
  imageOnly: Estimate,
  shuffled: Estimate | null = null,
): ModalityUse {
  const isWorse = (ablated: Estimate) => ablated.high < full.low;
  const usesImage = isWorse(textOnly);
  const usesText = isWorse(imageOnly);
  const usesPairing = shuffled === null ? null : isWorse(shuffled);
  const verdict = verdictOf(usesText, usesImage);
  const figures = `Accuracy ${formatEstimate(full)}; words only ${formatEstimate(textOnly)}; picture only ${formatEstimate(imageOnly)}.`;
  const pairing =
    shuffled === null
      ? ''
      : ` With pictures exchanged among posts of the same label ${formatEstimate(shuffled)}: ${usesPairing ? 'the match between the two matters' : 'no sign that the match between the two matters'}.`;
  return { verdict, usesText, usesImage, usesPairing, summary: `${sentences[verdict]} ${figures}${pairing}` };
}
