import {
  type AblatedAccuracy,
  describeModalityUse,
  type Estimate,
  formatPValue,
  formatSigned,
} from '@crosscheck/evaluation';
import type { Ablations } from '../report-data.ts';
import { html, type Section, table } from './html.ts';
import { formatInterval, formatMetric } from './numbers.ts';
import { intervalBar } from './result.ts';

interface AblationRow {
  name: string;
  estimate: Estimate;
  change?: AblatedAccuracy['change'];
}

const replaced = (name: string, estimate: AblatedAccuracy): AblationRow => ({
  name,
  estimate,
  change: estimate.change,
});

/** A figure above its interval: narrow enough for a phone. */
const withRange = (value: string, range: string) => html`${value}<br><small>${range}</small>`;

const changeCell = ({ value, low, high }: Estimate) =>
  withRange(formatSigned(value), `${formatSigned(low)} – ${formatSigned(high)}`);

/** Says whether the model uses both of its inputs, with the accuracies that show it. */
export function ablationSection({ full, textOnly, imageOnly, shuffled }: Ablations): Section {
  const { verdict, summary } = describeModalityUse(full, textOnly, imageOnly, shuffled ?? null);
  const rows: AblationRow[] = [
    { name: 'posts as they are', estimate: full },
    replaced('text only (images from other posts)', textOnly),
    replaced('image only (texts from other posts)', imageOnly),
    ...(shuffled ? [replaced('pairs broken (images exchanged within each label)', shuffled)] : []),
  ];
  return {
    id: 'modalities',
    heading: 'Does it use both image and text?',
    body: html`<p class="callout${verdict === 'both' ? ' good' : ' poor'}">${summary}</p>
${table(
  'Accuracy when an input is replaced; changes are of the same posts, with 95 % intervals and McNemar’s exact test',
  [
    { heading: 'input', cell: (row: AblationRow) => row.name },
    {
      heading: 'accuracy',
      isNumber: true,
      cell: ({ estimate }) => withRange(formatMetric(estimate.value), formatInterval(estimate)),
    },
    { heading: 'change', isNumber: true, cell: ({ change }) => (change ? changeCell(change.difference) : '') },
    {
      heading: 'p',
      isNumber: true,
      cell: ({ change }) => (change ? formatPValue(change.pValue).replace(/^p (= )?/, '') : ''),
    },
    { heading: 'from 0 to 1', cell: (row) => intervalBar(row.estimate) },
  ],
  rows,
)}`,
  };
}
