import type { Disagreement } from '@crosscheck/report';
import type { Prediction } from '../predictions/prediction.ts';

/** The posts that two models call differently, those on which they are furthest apart first. Both lists name the same posts. */
export function disagreementsOf(first: readonly Prediction[], second: readonly Prediction[]): Disagreement[] {
  return first
    .flatMap((a, i) => {
      const b = second[i];
      return b === undefined || a.verdict === b.verdict ? [] : [describe(a, b)];
    })
    .sort((a, b) => gapOf(b) - gapOf(a));
}

const gapOf = ({ probabilities: [a, b] }: Disagreement) => Math.abs(a - b);

function describe(a: Prediction, b: Prediction): Disagreement {
  return {
    source: a.id,
    image: a.image || null,
    caption: a.text,
    label: a.label,
    probabilities: [a.probability, b.probability],
    verdicts: [a.verdict, b.verdict],
  };
}
