import type { Estimate } from './intervals.ts';
import type { PairedAccuracy } from './paired/accuracy-difference.ts';

/** Accuracy with a part of each post taken from another one. */
export interface AblatedAccuracy extends Estimate {
  /** Against the same posts as they are; the difference is negative where the part was of use. */
  change: PairedAccuracy;
}

/** What the ablations show: which of its two inputs a model uses. */
export interface ModalityUse {
  /** `undecided`: these rows show no loss in any ablation. */
  verdict: 'both' | 'text' | 'image' | 'undecided';
  usesText: boolean;
  usesImage: boolean;
  /** Whether it weighs the two against each other; null when the pairs were not shuffled. */
  usesPairing: boolean | null;
  /** Two or three plain sentences with the figures. */
  summary: string;
}

/** A loss counts when chance explains it less often than this. */
export const significance = 0.05;

/** Whether a change is a loss that chance does not explain, by McNemar's exact test. */
const isLoss = ({ change }: AblatedAccuracy) => change.difference.value < 0 && change.pValue < significance;

const beyondChance = 'no accuracy beyond what chance explains on these rows';

const sentences = {
  both: 'The model uses both picture and words: replacing either one costs accuracy.',
  pairing: 'The model uses both picture and words: it loses accuracy when the two no longer belong together.',
  text: `The model relies on the words: replacing the picture costs ${beyondChance}.`,
  image: `The model relies on the picture: replacing the words costs ${beyondChance}.`,
  undecided: `These rows do not show that the model uses either input: replacing one costs ${beyondChance}.`,
} as const;

type Sentence = keyof typeof sentences;

/** Breaking pairs keeps what picture and words say on their own, so who loses by it alone has used both. */
function sentenceOf(usesText: boolean, usesImage: boolean, usesPairing: boolean): Sentence {
  if (usesText && usesImage) return 'both';
  if (usesPairing) return 'pairing';
  if (usesText) return 'text';
  return usesImage ? 'image' : 'undecided';
}

/**
 * Says plainly whether a model uses both inputs. Each ablation judges the same posts as the full model, so they are compared in pairs: an input
 * counts as used when the accuracy without it is lower and McNemar's exact test gives p < 0.05.
 *
 * @param full accuracy on posts as they are
 * @param textOnly accuracy when every picture comes from another post
 * @param imageOnly accuracy when every caption comes from another post
 * @param shuffled accuracy when pictures are exchanged among posts of the same label, which keeps each part's own hints and breaks the pair
 */
export function describeModalityUse(
  full: Estimate,
  textOnly: AblatedAccuracy,
  imageOnly: AblatedAccuracy,
  shuffled: AblatedAccuracy | null = null,
): ModalityUse {
  const usesPairing = shuffled === null ? null : isLoss(shuffled);
  const sentence = sentenceOf(isLoss(imageOnly), isLoss(textOnly), usesPairing === true);
  const usesBoth = sentence === 'both' || sentence === 'pairing';
  const figures = `Accuracy ${formatEstimate(full)}; words only ${formatAblated(textOnly)}; picture only ${formatAblated(imageOnly)}.`;
  return {
    verdict: sentence === 'pairing' ? 'both' : sentence,
    usesText: usesBoth || sentence === 'text',
    usesImage: usesBoth || sentence === 'image',
    usesPairing,
    summary: [sentences[sentence], figures, ...(shuffled ? [describePairing(shuffled)] : [])].join(' '),
  };
}

function describePairing(shuffled: AblatedAccuracy): string {
  const finding = isLoss(shuffled)
    ? 'the match between the two matters'
    : 'no sign that the match between the two matters';
  return `With pictures exchanged among posts of the same label ${formatAblated(shuffled)}: ${finding}.`;
}

function formatEstimate({ value, low, high }: Estimate): string {
  return `${value.toFixed(3)} (95 % interval ${low.toFixed(3)} to ${high.toFixed(3)})`;
}

const formatAblated = (ablated: AblatedAccuracy) =>
  `${formatEstimate(ablated)}, change ${formatDifference(ablated.change.difference)}, ${formatPValue(ablated.change.pValue)}`;

/** A change with its sign and interval: `−0.124 (−0.190 to −0.058)`. */
export function formatDifference({ value, low, high }: Estimate, digits = 3): string {
  const signed = (number: number) => formatSigned(number, digits);
  return `${signed(value)} (${signed(low)} to ${signed(high)})`;
}

/** With a sign and a true minus; `n/a` where there is no number. */
export function formatSigned(value: number, digits = 3): string {
  if (Number.isNaN(value)) return 'n/a';
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? '−' : '+'}${text}`;
}

/** `p = 0.031`, `p < 0.001`. */
export function formatPValue(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`;
}
