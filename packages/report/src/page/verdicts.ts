import { type CheckResult, computeGroupMetrics, computeMetrics, type GroupMetrics } from '@crosscheck/evaluation';
import { probabilityPlot } from '../plots/calibration.ts';
import { confusionPlot } from '../plots/confusion-matrix.ts';
import { precisionRecallPlot, rocPlot } from '../plots/ranking.ts';
import type { ReportData } from '../report-data.ts';
import type { ScoredSplit } from '../scored-split.ts';
import { figures } from './figures.ts';
import { html, type Section, table } from './html.ts';
import { formatCount, formatInterval, formatMetric } from './numbers.ts';
import { intervalBar } from './result.ts';

/** Which posts are told apart, and how well they are ranked. */
export async function verdictSection(split: ScoredSplit): Promise<Section> {
  const { confusion } = computeMetrics(split.probabilities, split.labels, split.threshold);
  const plots = [confusionPlot(confusion), probabilityPlot(split), rocPlot(split), precisionRecallPlot(split)];
  return { id: 'verdicts', heading: 'Verdicts', body: await figures(plots, 'large') };
}

/** Rows of the group table; the rest is summed up by their number. */
const shownGroups = 25;

/** Metrics by a CSV column. */
export function groupSection(split: ScoredSplit, { column, values }: NonNullable<ReportData['groups']>): Section {
  const groups = computeGroupMetrics(split.probabilities, split.labels, values, split.threshold);
  const more =
    groups.length > shownGroups
      ? html`<p>${formatCount(groups.length - shownGroups)} smaller groups are not shown.</p>`
      : null;
  return {
    id: 'groups',
    heading: `By ${column}`,
    body: html`${table(
      `Metrics by ${column}, largest group first`,
      [
        { heading: column, cell: (row: GroupMetrics) => row.group || '(empty)' },
        { heading: 'posts', isNumber: true, cell: (row) => formatCount(row.rows) },
        { heading: 'FAKE', isNumber: true, cell: (row) => `${((100 * row.fakeRows) / row.rows).toFixed(0)} %` },
        { heading: 'accuracy', isNumber: true, cell: (row) => formatMetric(row.accuracy.value) },
        { heading: '95 % interval', isNumber: true, cell: (row) => formatInterval(row.accuracy) },
        { heading: 'from 0 to 1', cell: (row) => intervalBar(row.accuracy) },
        { heading: 'F1', isNumber: true, cell: (row) => formatMetric(row.metrics.f1) },
        { heading: 'ROC-AUC', isNumber: true, cell: (row) => formatMetric(row.metrics.rocAuc) },
      ],
      groups.slice(0, shownGroups),
    )}${more}`,
  };
}

/** The seven prediction checks. */
export function checkSection(checks: Readonly<Record<string, CheckResult>>): Section {
  return {
    id: 'checks',
    heading: 'Prediction checks',
    body: table(
      'Checks of the predictions',
      [
        { heading: 'check', cell: ([name]: [string, CheckResult]) => name.replaceAll('_', ' ') },
        {
          heading: 'outcome',
          cell: ([, { passed }]) =>
            html`<strong class="${passed ? 'passed' : 'failed'}">${passed ? 'passed' : 'failed'}</strong>`,
        },
        { heading: 'finding', isWords: true, cell: ([, { message }]) => message },
      ],
      Object.entries(checks),
    ),
  };
}
