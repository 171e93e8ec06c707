import type { Prediction } from '../parts.ts';
import type { Explanation, WordWeight } from './explanation.ts';

/** As many words of each kind as a reader takes in. */
const shownWords = 8;

/** The explanation in a few lines for a terminal. */
export function describeExplanation({ picture, words, neither, interaction, wordWeights }: Explanation): string[] {
  return [
    '=== Explanation ===',
    `Picture alone: ${verdict(picture.alone)}, words alone: ${verdict(words.alone)}, neither: ${verdict(neither)}`,
    `Share of the verdict: picture ${percent(picture.share)} (${signed(picture.contribution)}), words ${percent(words.share)} (${signed(words.contribution)}), the two together ${signed(interaction)}`,
    ...describeWords('FAKE', wordWeights, 1),
    ...describeWords('REAL', wordWeights, -1),
    'Numbers with a sign are log-odds: + speaks for FAKE, − for REAL.',
  ];
}

function verdict({ prediction, probabilityFake }: Prediction): string {
  return `${prediction} ${probabilityFake.toFixed(4)}`;
}

function describeWords(label: string, words: readonly WordWeight[], sign: 1 | -1): string[] {
  const speaking = words
    .filter(({ weight }) => sign * weight > 0)
    .toSorted((a, b) => sign * (b.weight - a.weight))
    .slice(0, shownWords);
  if (speaking.length === 0) return [];
  return [`Words for ${label}: ${speaking.map(({ word, weight }) => `${word} ${signed(weight)}`).join(', ')}`];
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

/** A real minus sign, so that columns of numbers read well. */
function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
}
