import { type CoverageRow, computeMetrics, coverageTable, judgeOutside } from '@crosscheck/evaluation';
import { reliabilityPlot } from '../plots/calibration.ts';
import { coveragePlot } from '../plots/coverage.ts';
import { thresholdPlot } from '../plots/threshold-sweep.ts';
import type { ScoredSplit } from '../scored-split.ts';
import { figures } from './figures.ts';
import { type Html, html, type Section, table } from './html.ts';
import { formatCount, formatInterval, formatMetric } from './numbers.ts';
import { intervalBar } from './result.ts';

/** Whether a probability means what it says, what another threshold would change, and what abstaining would gain. */
export async function calibrationSection(split: ScoredSplit): Promise<Section> {
  return {
    id: 'calibration',
    heading: 'Calibration and threshold',
    body: html`<p>Shown on ${formatCount(split.labels.length)} posts of ${split.split}. ${split.note ?? null}</p>
${await figures([reliabilityPlot(split), thresholdPlot(split), coveragePlot(split)], 'small')}
<p>Reliability: on the dashed diagonal, of all posts given a probability of 0.8, eight in ten are FAKE; bars are 95 % Wilson intervals. Threshold
sweep: the dashed line is the threshold in use, ${Number(split.threshold.toFixed(4))}. ${bandSentence(split)}</p>
${qualityTable(split)}
${coverageSection(split)}`,
  };
}

interface QualityRow {
  name: string;
  before: number;
  after: number;
}

/** Nothing when the probabilities were not changed. */
function qualityTable({ probabilities, uncalibrated, labels, threshold }: ScoredSplit): Html | null {
  if (uncalibrated === undefined) return null;
  const [before, after] = [uncalibrated, probabilities].map((list) => computeMetrics(list, labels, threshold));
  const rows = (
    [
      ['log loss', 'loss'],
      ['Brier score', 'brier'],
      ['calibration error', 'ece'],
    ] as const
  ).map(
    ([name, key]): QualityRow => ({ name, before: before?.[key] ?? Number.NaN, after: after?.[key] ?? Number.NaN }),
  );
  return table(
    'Quality of the probabilities before and after calibration; lower is better',
    [
      { heading: 'measure', cell: (row: QualityRow) => row.name },
      { heading: 'before', isNumber: true, cell: (row) => formatMetric(row.before) },
      { heading: 'after', isNumber: true, cell: (row) => formatMetric(row.after) },
    ],
    rows,
  );
}

function bandSentence({ abstainBand: band, probabilities, labels, threshold }: ScoredSplit): string {
  if (!band) return '';
  const { coverage, accuracy } = judgeOutside(probabilities, labels, threshold, band);
  return `Asked to abstain, the model answers UNSURE from ${formatMetric(band.low)} to ${formatMetric(band.high)}: ${percent(coverage)} of these posts then get a verdict, and ${percent(accuracy.value)} of those are right.`;
}

const percent = (share: number) => (Number.isNaN(share) ? 'n/a' : `${(100 * share).toFixed(1)} %`);

function coverageSection({ probabilities, labels, threshold }: ScoredSplit): Html | null {
  const rows = coverageTable(probabilities, labels, threshold);
  if (rows.length === 0) return null;
  return table(
    'Accuracy when the least sure posts get no verdict',
    [
      { heading: 'posts with a verdict', isNumber: true, cell: (row: CoverageRow) => percent(row.coverage) },
      { heading: 'accuracy', isNumber: true, cell: (row) => formatMetric(row.accuracy.value) },
      { heading: '95 % interval', isNumber: true, cell: (row) => formatInterval(row.accuracy) },
      { heading: 'from 0 to 1', cell: (row) => intervalBar(row.accuracy) },
      {
        heading: 'unsure between',
        isNumber: true,
        cell: ({ band }) => (band ? `${formatMetric(band.low)} – ${formatMetric(band.high)}` : 'nowhere'),
      },
    ],
    rows,
  );
}
