import {
  bootstrapIntervals,
  computeMetrics,
  type Estimate,
  lowerIsBetter,
  type MetricName,
  metricNames,
} from '@crosscheck/evaluation';
import type { ScoredSplit } from '../scored-split.ts';
import { type Html, html, type Section, table } from './html.ts';
import { formatCount, formatInterval, formatMetric } from './numbers.ts';

export const metricTexts: Record<MetricName, [name: string, meaning: string]> = {
  accuracy: ['Accuracy', 'share of verdicts that are right'],
  balancedAccuracy: ['Balanced accuracy', 'mean of recall and specificity'],
  precision: ['Precision', 'of the posts judged FAKE, the share that is'],
  recall: ['Recall', 'of the FAKE posts, the share found'],
  specificity: ['Specificity', 'of the REAL posts, the share left alone'],
  f1: ['F1', 'harmonic mean of precision and recall'],
  rocAuc: ['ROC-AUC', 'chance that a FAKE post scores above a REAL one'],
  averagePrecision: ['Average precision', 'area under the precision–recall curve'],
  fprAt95Tpr: ['FPR at 95 % TPR', 'REAL posts accused when 95 % of FAKE ones are found'],
  loss: ['Log loss', 'penalty for confident mistakes'],
  brier: ['Brier score', 'mean squared error of the probability'],
  ece: ['Calibration error', 'mean gap between probability and truth'],
};

const headline: readonly MetricName[] = ['accuracy', 'f1', 'precision', 'recall', 'rocAuc', 'averagePrecision'];

/** A track from 0 to 1 with the interval and the value on it. */
export function intervalBar({ value, low, high }: Estimate): Html {
  if (Number.isNaN(low) || Number.isNaN(high)) return html``;
  const percent = (share: number) => `${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`;
  return html`<span class="interval" aria-hidden="true" style="--low:${percent(low)};--high:${percent(high)};--value:${percent(value)}"></span>`;
}

function card(name: MetricName, estimate: Estimate): Html {
  return html`<li class="card"><span class="label">${metricTexts[name][0]}</span>
<span class="value">${formatMetric(estimate.value)}</span>
${intervalBar(estimate)}<span class="range"><span class="hidden">95 % interval </span>${formatInterval(estimate)}</span></li>`;
}

function metricsTable(estimates: Record<MetricName, Estimate>): Html {
  return table(
    'All metrics with 95 % intervals',
    [
      { heading: 'metric', cell: (name: MetricName) => metricTexts[name][0] },
      { heading: 'value', isNumber: true, cell: (name) => formatMetric(estimates[name].value) },
      { heading: '95 % interval', isNumber: true, cell: (name) => formatInterval(estimates[name]) },
      {
        heading: 'what it says',
        isWords: true,
        cell: (name) => `${metricTexts[name][1]}${lowerIsBetter.has(name) ? '; lower is better' : ''}`,
      },
    ],
    metricNames,
  );
}

/** Headline metrics with intervals, and all of them in a table. */
export function resultSection(split: ScoredSplit): Section {
  const { probabilities, labels, threshold } = split;
  const estimates = bootstrapIntervals(probabilities, labels, { threshold });
  const { confusion, rows } = computeMetrics(probabilities, labels, threshold);
  const fake = confusion.tp + confusion.fn;
  return {
    id: 'result',
    heading: `Result on ${split.split}`,
    body: html`<p>${formatCount(rows)} posts, ${formatCount(fake)} of them FAKE; FAKE means a probability above ${Number(threshold.toFixed(4))}. Under each value stands the range
that holds the truth 95 times in 100 (Wilson’s for accuracy, 1,000 bootstrap resamples for the rest).</p>
<ul class="cards">${headline.map((name) => card(name, estimates[name]))}</ul>
<details><summary>All metrics</summary>${metricsTable(estimates)}</details>`,
  };
}
