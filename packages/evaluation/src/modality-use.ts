import type { Estimate } from './intervals.ts';
import type { PairedAccuracy } from './paired/accuracy-difference.ts';
import { type Outcome, outcomeOfPairs } from './paired/outcome.ts';

/** Accuracy with a part of each post taken from another one. */
export interface AblatedAccuracy extends Estimate {
  /** Against the same posts as they are; the difference is negative where the part was of use. */
  change: PairedAccuracy;
}

/** What the ablations show: which of its two inputs a model uses. */
export interface ModalityUse {
  /** `undecided`: these rows show of neither that it is used. */
  verdict: 'both' | 'text' | 'image' | 'undecided';
  usesText: boolean;
  usesImage: boolean;
  /** Whether it weighs the two against each other; null when the pairs were not shuffled. */
  usesPairing: boolean | null;
  /** Two or three plain sentences with the figures. */
  summary: string;
}

type Part = 'text' | 'image';

const leads = {
  both: 'The model uses both image and text: replacing either one costs accuracy.',
  pairing: 'The model uses both image and text: it loses accuracy when the two no longer belong together.',
  text: 'The model uses the text.',
  image: 'The model uses the image.',
  undecided: 'These rows do not show that the model uses either input.',
} as const;

/** Breaking pairs keeps what image and text say on their own, so who loses by it alone has used both. */
function leadOf(usesText: boolean, usesImage: boolean, usesPairing: boolean): keyof typeof leads {
  if (usesText && usesImage) return 'both';
  if (usesPairing) return 'pairing';
  if (usesText) return 'text';
  return usesImage ? 'image' : 'undecided';
}

/** What else is to be said of an input whose use is not shown; where none is, one sentence says so of both. */
function notesOf(lead: keyof typeof leads, outcomes: Record<Part, Outcome>): string[] {
  if (lead === 'both' || lead === 'pairing') return [];
  return (['image', 'text'] as const).flatMap((part) =>
    outcomes[part] === 'lower' || (lead === 'undecided' && outcomes[part] === 'nothing')
      ? []
      : [unshown[part][outcomes[part]]],
  );
}

/** What can be said of an input whose use is not shown: never that it is not used, which no number of rows shows. */
const unshownOf = (part: Part): Record<Outcome, string> => ({
  lower: '',
  nothing: `Its use of the ${part} is not shown: chance may explain the change when the ${part} is replaced.`,
  edge: `Its use of the ${part} is not shown: the change when the ${part} is replaced is on the edge of what chance explains.`,
  higher: `With another post’s ${part} it is right more often: look at what its ${part}s give away.`,
});
const unshown = { text: unshownOf('text'), image: unshownOf('image') };

/**
 * Says plainly whether a model uses both inputs. Each ablation judges the same posts as the full model, so they are compared in pairs: an input
 * counts as used when the accuracy without it is lower and McNemar's exact test gives p < 0.05.
 *
 * @param full accuracy on posts as they are
 * @param textOnly accuracy when every image comes from another post
 * @param imageOnly accuracy when every text comes from another post
 * @param shuffled accuracy when images are exchanged among posts of the same label, which keeps each part's own hints and breaks the pair
 */
export function describeModalityUse(
  full: Estimate,
  textOnly: AblatedAccuracy,
  imageOnly: AblatedAccuracy,
  shuffled: AblatedAccuracy | null = null,
): ModalityUse {
  const outcomes = { text: outcomeOfPairs(imageOnly.change), image: outcomeOfPairs(textOnly.change) };
  const usesPairing = shuffled === null ? null : outcomeOfPairs(shuffled.change) === 'lower';
  const lead = leadOf(outcomes.text === 'lower', outcomes.image === 'lower', usesPairing === true);
  const verdict = lead === 'pairing' ? 'both' : lead;
  const figures = `Accuracy ${formatEstimate(full)}; text only ${formatAblated(textOnly)}; image only ${formatAblated(imageOnly)}.`;
  return {
    verdict,
    usesText: verdict === 'both' || verdict === 'text',
    usesImage: verdict === 'both' || verdict === 'image',
    usesPairing,
    summary: [leads[lead], ...notesOf(lead, outcomes), figures, ...(shuffled ? [describePairing(shuffled)] : [])].join(
      ' ',
    ),
  };
}

const pairingFindings: Record<Outcome, string> = {
  lower: 'the match between the two matters',
  nothing: 'these rows do not show that the match between the two matters',
  edge: 'whether the match between the two matters is on the edge of what these rows can show',
  higher: 'it is right more often when the two do not belong together',
};

function describePairing(shuffled: AblatedAccuracy): string {
  return `With images exchanged among posts of the same label ${formatAblated(shuffled)}: ${pairingFindings[outcomeOfPairs(shuffled.change)]}.`;
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
