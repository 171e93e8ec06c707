import { labelNames } from '@crosscheck/contract';
import { calibrationBins, computeMetrics, wilsonInterval } from '@crosscheck/evaluation';
import type { Plot, PlotSpec } from '../plot.ts';
import type { ScoredSplit } from '../scored-split.ts';
import type { Theme } from '../theme.ts';

interface ReliabilityPoint {
  series: string;
  said: number;
  found: number;
  low: number;
  high: number;
  rows: number;
}

function reliability(series: string, probabilities: ArrayLike<number>, labels: ArrayLike<number>): ReliabilityPoint[] {
  return calibrationBins(probabilities, labels)
    .filter(({ rows }) => rows > 0)
    .map(({ meanProbability, shareFake, rows }) => {
      const { low, high } = wilsonInterval(Math.round(shareFake * rows), rows);
      return { series, said: meanProbability, found: shareFake, low, high, rows };
    });
}

function reliabilityPoints({ probabilities, labels, uncalibrated }: ScoredSplit): ReliabilityPoint[] {
  if (uncalibrated === undefined) return reliability('as served', probabilities, labels);
  return [...reliability('before calibration', uncalibrated, labels), ...reliability('after', probabilities, labels)];
}

function reliabilitySpec(points: ReliabilityPoint[], theme: Theme): PlotSpec {
  const scale = { domain: [0, 1], nice: false };
  const axis = { tickCount: 5, format: '.1f' };
  const x = {
    field: 'said',
    type: 'quantitative',
    scale,
    title: 'mean probability of FAKE said',
    axis: { ...axis, grid: false },
  };
  const y = { field: 'found', type: 'quantitative', scale, title: 'share truly FAKE', axis };
  const names = [...new Set(points.map(({ series }) => series))];
  const range = names.length > 1 ? [theme.quiet, theme.accent] : [theme.accent];
  const color = {
    field: 'series',
    type: 'nominal',
    sort: names,
    scale: { domain: names, range },
    legend: names.length > 1 ? { offset: 10 } : null,
  };
  const ends = [
    { said: 0, found: 0 },
    { said: 1, found: 1 },
  ];
  return {
    width: 300,
    height: 300,
    data: { values: points },
    layer: [
      {
        data: { values: ends },
        mark: { type: 'line', color: theme.quiet, strokeDash: [4, 4], strokeWidth: 1.5 },
        encoding: { x, y },
      },
      {
        mark: { type: 'rule', strokeWidth: 1.5, opacity: 0.55 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color },
      },
      { mark: { type: 'line', strokeWidth: 2, point: { size: 36 } }, encoding: { x, y, color } },
    ],
  };
}

/** What the model said against what was true, with Wilson intervals per bin; on the diagonal a probability means what it says. Null without rows. */
export function reliabilityPlot(split: ScoredSplit): Plot | null {
  const points = reliabilityPoints(split);
  if (points.length === 0) return null;
  const ece = computeMetrics(split.probabilities, split.labels, split.threshold).ece.toFixed(3);
  const before = split.uncalibrated && computeMetrics(split.uncalibrated, split.labels, split.threshold).ece.toFixed(3);
  return {
    title: 'Reliability',
    alt: `Reliability diagram: expected calibration error ${before === undefined ? '' : `${before} before and `}${ece}${before === undefined ? '' : ' after calibration'}.`,
    spec: (theme) => reliabilitySpec(points, theme),
  };
}

interface HistogramBar {
  left: number;
  right: number;
  /** FAKE stands on REAL. */
  bottom: number;
  top: number;
  label: string;
}

const histogramBins = 20;

function countsOf({ probabilities, labels }: ScoredSplit, label: number): number[] {
  const rows = Array.from(probabilities).filter((_, i) => labels[i] === label);
  return calibrationBins(rows, new Uint8Array(rows.length), histogramBins).map((bin) => bin.rows);
}

function histogram(split: ScoredSplit): HistogramBar[] {
  const [real, fake] = [countsOf(split, 0), countsOf(split, 1)];
  const bar = (bin: number, bottom: number, top: number, label: string) => {
    return { left: (bin + 0.04) / histogramBins, right: (bin + 0.96) / histogramBins, bottom, top, label };
  };
  return real.flatMap((count, bin) => [
    bar(bin, 0, count, labelNames[0]),
    bar(bin, count, count + (fake[bin] as number), labelNames[1]),
  ]);
}

function histogramSpec(bars: HistogramBar[], threshold: number, theme: Theme): PlotSpec {
  const scale = { domain: [0, 1], nice: false };
  const x = {
    field: 'left',
    type: 'quantitative',
    scale,
    title: 'probability of FAKE',
    axis: { tickCount: 5, format: '.1f', grid: false },
  };
  const y = { field: 'bottom', type: 'quantitative', title: 'posts', axis: { tickCount: 5, format: ',d' } };
  const colours = { domain: labelNames, range: [theme.real, theme.fake] };
  const color = { field: 'label', type: 'nominal', scale: colours, legend: { offset: 10, symbolType: 'square' } };
  return {
    width: 300,
    height: 300,
    layer: [
      {
        data: { values: bars },
        mark: { type: 'rect' },
        encoding: { x, x2: { field: 'right' }, y, y2: { field: 'top' }, color },
      },
      {
        data: { values: [{ left: threshold }] },
        mark: { type: 'rule', color: theme.ink, strokeDash: [4, 4], strokeWidth: 1.5 },
        encoding: { x },
      },
    ],
  };
}

/** How the probabilities of truly REAL and truly FAKE posts are spread, with the threshold. Null without rows. */
export function probabilityPlot(split: ScoredSplit): Plot | null {
  if (split.labels.length === 0) return null;
  const bars = histogram(split);
  const { tn, fp, fn, tp } = computeMetrics(split.probabilities, split.labels, split.threshold).confusion;
  return {
    title: 'Probabilities by true label',
    alt: `Histogram of the probability of FAKE: ${tn} of ${tn + fp} REAL posts lie at or below the threshold ${Number(split.threshold.toFixed(4))}, ${tp} of ${tp + fn} FAKE posts above it.`,
    spec: (theme) => histogramSpec(bars, split.threshold, theme),
  };
}
