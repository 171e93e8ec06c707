import {
  type Estimate,
  formatDifference,
  formatPValue,
  formatSigned,
  lowerIsBetter,
  type MetricComparison,
  type MetricName,
  type ModelComparison,
  metricNames,
  outcomeOf,
  type PairedAccuracy,
} from '@crosscheck/evaluation';
import type { Disagreement, JudgedPair } from '../report-data.ts';
import { type Html, html, type Section, table } from './html.ts';
import { formatCount, formatInterval, formatMetric } from './numbers.ts';
import { postList } from './post-list.ts';
import { metricTexts } from './result.ts';

/** For better, for worse, or what keeps it from being either. */
function outcomeCell(name: MetricName, comparison: ModelComparison): Html {
  const outcome = outcomeOf(name, comparison);
  if (outcome === 'nothing') return html`no`;
  if (outcome === 'edge') return html`on the edge`;
  const isBetter = (outcome === 'lower') === lowerIsBetter.has(name);
  return html`<strong class="${isBetter ? 'passed' : 'failed'}">${isBetter ? 'better' : 'worse'}</strong>`;
}

function differenceCell({ value, low, high }: Estimate): Html {
  if (Number.isNaN(value)) return html`n/a`;
  return html`${formatSigned(value)}<br><small>${formatSigned(low)} – ${formatSigned(high)}</small>`;
}

function metricTable({ names, comparison }: JudgedPair): Html {
  type Row = readonly [MetricName, MetricComparison];
  const value = ({ first, second }: MetricComparison, side: 0 | 1) =>
    [first, second][side] as MetricComparison['first'];
  const side = (which: 0 | 1) => ({
    heading: names[which],
    isNumber: true,
    cell: ([, metric]: Row) =>
      html`${formatMetric(value(metric, which).value)}<br><small>${formatInterval(value(metric, which))}</small>`,
  });
  return table(
    'Every metric with its 95 % interval, and the difference with its own',
    [
      { heading: 'metric', cell: ([name]: Row) => metricTexts[name][0] },
      side(0),
      side(1),
      { heading: 'difference', isNumber: true, cell: ([, { difference }]) => differenceCell(difference) },
      {
        heading: 'beyond chance',
        cell: ([name]) => outcomeCell(name, comparison),
      },
    ],
    metricNames.map((name) => [name, comparison.metrics[name]] as const),
  );
}

function pairTable([first, second]: JudgedPair['names'], pairs: PairedAccuracy): Html {
  return table(
    'Who is right where',
    [
      { heading: '', cell: ([name]: readonly [string, number, number]) => name },
      { heading: `${second} right`, isNumber: true, cell: ([, right]) => formatCount(right) },
      { heading: `${second} wrong`, isNumber: true, cell: ([, , wrong]) => formatCount(wrong) },
    ],
    [
      [`${first} right`, pairs.bothRight, pairs.onlyFirstRight],
      [`${first} wrong`, pairs.onlySecondRight, pairs.bothWrong],
    ],
  );
}

/** What the comparison says in a sentence or two. */
export function describeComparison({ names, posts, comparison }: Omit<JudgedPair, 'disagreements' | 'split'>): string {
  const { accuracy } = comparison.metrics;
  const difference = `accuracy ${formatMetric(accuracy.first.value)} → ${formatMetric(accuracy.second.value)}, ${formatDifference(accuracy.difference)}`;
  if (comparison.pairs === null)
    return `${names[0]} judged ${formatCount(posts[0])} posts and ${names[1]} ${formatCount(posts[1])} others, so the two are compared without pairs, and chance counts twice: ${difference}. ${verdictOf(comparison, names)}`;
  const { onlyFirstRight, onlySecondRight, pValue } = comparison.pairs;
  return `On the same ${formatCount(posts[0])} posts: ${difference}. Only ${names[0]} is right on ${formatCount(onlyFirstRight)}, only ${names[1]} on ${formatCount(onlySecondRight)}; McNemar’s exact test: ${formatPValue(pValue)}. ${verdictOf(comparison, names)}`;
}

function verdictOf(comparison: ModelComparison, [first, second]: JudgedPair['names']): string {
  const moreOften = (name: string) => `Chance does not explain that ${name} is right more often.`;
  const sentences = {
    lower: moreOften(first),
    higher: moreOften(second),
    edge: 'That is on the edge of what chance explains.',
    nothing: 'That is no difference in accuracy beyond what chance explains.',
  } as const;
  return sentences[outcomeOf('accuracy', comparison)];
}

async function disagreementList(posts: readonly Disagreement[], [first, second]: JudgedPair['names']): Promise<Html> {
  if (posts.length === 0) return html`<p>The two call every post alike.</p>`;
  const probability = (side: 0 | 1) => (post: Disagreement) => formatMetric(post.probabilities[side]);
  const list = await postList({
    posts,
    finding: ({ verdicts, probabilities: [a, b] }) =>
      `${first} says ${verdicts[0]} (${formatMetric(a)}), ${second} says ${verdicts[1]} (${formatMetric(b)})`,
    columns: [
      { heading: `p(FAKE), ${first}`, isNumber: true, cell: probability(0) },
      { heading: `p(FAKE), ${second}`, isNumber: true, cell: probability(1) },
    ],
  });
  return html`<h3>The ${formatCount(posts.length)} posts that they call differently, the widest apart first</h3>${list}`;
}

/** Two models on the same posts, or on others: metrics, differences, who is right where, and the posts that tell them apart. */
export async function comparisonSection(pair: JudgedPair): Promise<Section> {
  const { names, split, comparison, disagreements } = pair;
  return {
    id: 'comparison',
    heading: `${names[1]} against ${names[0]} on ${split}`,
    body: html`<p class="callout">${describeComparison(pair)}</p>
${metricTable(pair)}
${comparison.pairs === null ? null : pairTable(names, comparison.pairs)}
${disagreements === undefined ? null : await disagreementList(disagreements, names)}`,
  };
}
