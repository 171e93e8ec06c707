import {
  type Estimate,
  formatDiagnoses,
  formatDifference,
  formatPValue,
  type GroupMetrics,
} from '@crosscheck/evaluation';
import { describeComparison } from '@crosscheck/report';
import { formatCoverage } from '../calibrate/show.ts';
import { formatComparison } from '../compare/show.ts';
import { ablationMeaning, ablationNames } from './ablations.ts';
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
    ...formatDiagnoses(result.diagnoses).map((line) => (line.startsWith(' ') ? line : wrap(line))),
    `${countOf(result)} of the ${result.split} split, judged by ${result.name} ${result.version} at threshold ${Number(result.threshold.toFixed(4))}`,
    ...result.notes.map((note) => wrap(note)),
    ...(result.skipped > 0 ? [`${result.skipped} rows could not be used`] : []),
    wrap(describeUses(result)),
    '',
    `${'metric'.padEnd(width)}  value   95 % interval`,
    ...Object.entries(metrics).map(([name, estimate]) => `${name.padEnd(width)}  ${formatEstimate(estimate)}`),
    '',
    `confusion: ${confusion.tn} REAL right, ${confusion.fp} REAL called FAKE, ${confusion.fn} FAKE called REAL, ${confusion.tp} FAKE right`,
    ...describeCalibration(result),
    '',
    ...formatCoverage(result.coverage),
    ...describeAbstaining(result),
    ...(ablations ? ['', ...describeAblations(result)] : []),
    ...(modalityUse ? ['', wrap(modalityUse.summary)] : []),
    ...(result.comparison ? ['', ...describeRival(result, result.comparison)] : []),
    ...(groups ? ['', `by ${groups.column}:`, ...groups.rows.map((group) => `  ${describeGroup(group)}`)] : []),
    ...failed.map(([name, { message }]) => `check failed: ${name}: ${message}`),
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
  return [
    `abstaining between ${band.low.toFixed(4)} and ${band.high.toFixed(4)}: ${share}, accuracy ${formatEstimate(accuracy)}`,
  ];
}

const countOf = ({ rows, posts }: EvaluationResult) =>
  rows === posts ? `${rows} posts` : `${posts} posts (${rows} rows)`;

function describeAblations({ metrics, ablations }: EvaluationResult): string[] {
  const rows = ablationNames.flatMap((name) => {
    const ablated = ablations?.[name];
    if (!ablated) return [];
    const { difference, pValue } = ablated.change;
    return [
      [
        formatEstimate(ablated),
        `${formatDifference(difference).padEnd(24)}  ${formatPValue(pValue)
          .replace(/^p (= )?/, '')
          .padEnd(7)}`,
        ablationMeaning[name],
      ],
    ];
  });
  const asTheyAre = [formatEstimate(metrics.accuracy), ''.padEnd(33), 'posts as they are'];
  return [
    'accuracy  95 % interval     change (95 % interval)    p',
    ...[asTheyAre, ...rows].map((row) => row.join('  ')),
  ];
}

function describeRival(result: EvaluationResult, rival: RivalResult): string[] {
  const pair = pairOf(result, rival);
  return [`against ${rival.model}:`, ...formatComparison(pair), wrap(describeComparison(pair))];
}

function describeGroup({ group, rows, fakeRows, accuracy }: GroupMetrics): string {
  return `${group.slice(0, 24).padEnd(24)} ${formatEstimate(accuracy)}  ${rows} posts, ${fakeRows} FAKE`;
}

export function wrap(text: string, width = 80): string {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) as string;
    if (last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.join('\n');
}
