import { labelNames } from '@crosscheck/contract';
import type { Mistake } from '../report-data.ts';
import { html, type Section } from './html.ts';
import { formatCount, formatMetric } from './numbers.ts';
import { postList } from './post-list.ts';

const confidenceOf = ({ label, probability }: Mistake) => (label === 1 ? 1 - probability : probability);

/** Every wrong verdict, the surest first: with picture and words, the later ones as rows. */
export async function mistakeSection(mistakes: readonly Mistake[]): Promise<Section> {
  const list = await postList({
    posts: mistakes,
    finding: (mistake) =>
      `judged ${labelNames[mistake.label === 1 ? 0 : 1]} with ${(100 * confidenceOf(mistake)).toFixed(1)}\u00a0%`,
    columns: [{ heading: 'p(FAKE)', isNumber: true, cell: ({ probability }) => formatMetric(probability) }],
  });
  return {
    id: 'mistakes',
    heading: mistakes.length === 1 ? 'The mistake' : `All ${formatCount(mistakes.length)} mistakes, the surest first`,
    body: html`${list}`,
  };
}
