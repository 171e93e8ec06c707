import {
  type Estimate,
  formatDiagnoses,
  formatDifference,
  formatPValue,
  type GroupMetrics,
  wrap,
} from '@crosscheck/evaluation';
import { describeComparison } from '@crosscheck/report';
import { formatCoverage } from '../calibrate/show.ts';
import { formatComparison } from '../compare/show.ts';
import { ablationNames, ablationWords } from './ablations.ts';
import { calibrationMetrics, type EvaluationResult } from './evaluate-split.ts';
import { pairOf, type RivalResult } from './judge-rival.ts';

const formatEstimate = ({ value, low, high }: Estimate) =>
  `${value.toFixed(4)}  [${low.toFixed(4)}, ${high.toFixed(4)}]`;

/** `metric,value` rows, as the sister systems write them; intervals in columns behind. */
export function formatMetricsCsv({ metrics, confusion }: EvaluationResult): string {
  const estimates = Object.entries(metrics).map(([name, { value, low, high }]) => [name, value, low, high]);
  const counts = Object.entries(confusion).map(([name, value]) => [name, value, '', '']);
  return `${[['metric', 'value', 'low', 'high'], ...estimates, ...counts].map((row) => row.join(',')).join('\n')}\n`;
}

/** The evaluation as a person reads it in a terminal of 80 columns. */
export function formatEvaluation(result: EvaluationResult): string {
  const { metrics, confusion, ablations, modalityUse, checks, groups } = result;
  const width = Math.max(...Object.keys(metrics).map((name) => name.length));
  const failed = Object.entries(checks).filter(([, { passed }]) => !passed);
  return [
    ...formatDiagnoses(result.diagnoses),
    ...wrap(
      `${countOf(result)} of the ${result.split} split, judged by ${result.name} ${result.version} at threshold ${Number(result.threshold.toFixed(4))}`,
    ),
    ...result.notes.flatMap((note) => wrap(note)),
    ...(result.skipped > 0 ? [`${result.skipped} rows could not be used`] : []),
    ...wrap(describeUses(result)),
    '',
    `${'metric'.padEnd(width)}  value   95 % interval`,
    ...Object.entries(metrics).map(([name, estimate]) => `${name.padEnd(width)}  ${formatEstimate(estimate)}`),
    '',
    ...wrap(
      `confusion: ${confusion.tn} REAL right, ${confusion.fp} REAL called FAKE, ${confusion.fn} FAKE called REAL, ${confusion.tp} FAKE right`,
    ),
    ...describeCalibration(result),
    '',
    ...formatCoverage(result.coverage),
    ...describeAbstaining(result),
    ...(ablations ? ['', ...describeAblations(ablations, metrics.accuracy)] : []),
    ...(modalityUse ? ['', ...wrap(modalityUse.summary)] : []),
    ...(result.comparison ? ['', ...describeRival(result, result.comparison)] : []),
    ...(groups ? ['', `by ${groups.column}:`, ...groups.rows.map((group) => `  ${describeGroup(group)}`)] : []),
    ...failed.flatMap(([name, { message }]) => wrap(`check failed: ${name}: ${message}`)),
  ].join('\n');
}

/** Whether these posts can tell how the model does on others. */
export function describeUses({ usedBefore }: Pick<EvaluationResult, 'usedBefore'>): string {
  if (usedBefore === null) return 'The model does not say which posts it was trained on; these may be among them.';
  if (usedBefore.length === 0)
    return 'Neither training nor the choice of the checkpoint nor its calibration has used these posts.';
  return `These posts were also used for ${usedBefore.join(' and ')}, so the model looks better here than it is.`;
}

function describeCalibration({ temperature, metrics, uncalibrated }: EvaluationResult): string[] {
  if (uncalibrated === null) return [];
  const row = (name: (typeof calibrationMetrics)[number]) =>
    `${name.padEnd(6)}  ${formatEstimate(uncalibrated[name])}  ${formatEstimate(metrics[name])}`;
  return [
    '',
    `calibration: temperature ${temperature.toFixed(4)}`,
    `        ${'before'.padEnd(24)}  after`,
    ...calibrationMetrics.map(row),
  ];
}

function describeAbstaining({ abstaining }: EvaluationResult): string[] {
  if (!abstaining?.band) return [];
  const { band, coverage, accuracy } = abstaining;
  const share = `${(100 * coverage).toFixed(1)} % of the posts get a verdict`;
  const where = `abstaining between ${band.low.toFixed(4)} and ${band.high.toFixed(4)}`;
  return wrap(`${where}: ${share}, accuracy ${formatEstimate(accuracy)}`);
}

const countOf = ({ rows, posts }: EvaluationResult) =>
  rows === posts ? `${rows} posts` : `${posts} posts (${rows} rows)`;

/** Accuracy with and without each part, in columns; the intervals are Wilson's and Tango's. */
function describeAblations(ablations: NonNullable<EvaluationResult['ablations']>, full: Estimate): string[] {
  const widths = [13, 26, 27, 0];
  const row = (...cells: string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] as number))
      .join('')
      .trimEnd();
  const rows = ablationNames.map((name) => {
    const { change } = ablations[name];
    const p = formatPValue(change.pValue).replace(/^p (= )?/, '');
    return row(ablationWords[name].name, formatShare(ablations[name]), formatDifference(change.difference), p);
  });
  const meanings = ablationNames.map((name) => `${ablationWords[name].name}: ${ablationWords[name].meaning}`);
  return [
    row('', 'accuracy (95 % interval)', 'change (95 % interval)', 'p'),
    row('as they are', formatShare(full)),
    ...rows,
    ...wrap(`${meanings.join('; ')}. p is of McNemar’s exact test.`),
  ];
}

const formatShare = ({ value, low, high }: Estimate) => `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;

function describeRival(result: EvaluationResult, rival: RivalResult): string[] {
  const pair = pairOf(result, rival);
  const sentences = [describeComparison(pair), ...unfairness(result)].join(' ');
  return [...wrap(`against ${rival.model}:`), ...formatComparison(pair), ...wrap(sentences)];
}

/** Uses of these posts that make one of two models look better than the other. */
export function unfairness({ usedBefore, comparison }: Pick<EvaluationResult, 'usedBefore' | 'comparison'>): string[] {
  if (comparison === null || String(comparison.usedBefore) === String(usedBefore)) return [];
  const describe = (uses: readonly string[] | null) =>
    uses === null ? 'what it does not say' : uses.join(' and ') || 'nothing';
  return [
    `These posts are not the same test for both: the model used them for ${describe(usedBefore)}, the other for ${describe(comparison.usedBefore)}.`,
  ];
}

function describeGroup({ group, rows, fakeRows, accuracy }: GroupMetrics): string {
  return `${group.slice(0, 24).padEnd(24)} ${formatEstimate(accuracy)}  ${rows} posts, ${fakeRows} FAKE`;
}
