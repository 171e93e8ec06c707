import type { Estimate, GroupMetrics } from '@crosscheck/evaluation';
import { ablationMeaning, ablationNames } from './ablations.ts';
import type { EvaluationResult } from './evaluate.ts';

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
    `${countOf(result)} of the ${result.split} split, judged by version ${result.version} at threshold ${result.threshold}`,
    ...(result.skipped > 0 ? [`${result.skipped} rows could not be used`] : []),
    '',
    `${'metric'.padEnd(width)}  value   95 % interval`,
    ...Object.entries(metrics).map(([name, estimate]) => `${name.padEnd(width)}  ${formatEstimate(estimate)}`),
    '',
    `confusion: ${confusion.tn} REAL right, ${confusion.fp} REAL called FAKE, ${confusion.fn} FAKE called REAL, ${confusion.tp} FAKE right`,
    ...(ablations ? ['', ...describeAblations(result)] : []),
    ...(modalityUse ? ['', wrap(modalityUse.summary)] : []),
    ...(groups ? ['', `by ${groups.column}:`, ...groups.rows.map((group) => `  ${describeGroup(group)}`)] : []),
    ...failed.map(([name, { message }]) => `check failed: ${name}: ${message}`),
  ].join('\n');
}

const countOf = ({ rows, posts }: EvaluationResult) =>
  rows === posts ? `${rows} posts` : `${posts} posts (${rows} rows)`;

function describeAblations({ metrics, ablations }: EvaluationResult): string[] {
  const rows = ablationNames.flatMap((name) =>
    ablations?.[name] ? [[formatEstimate(ablations[name]), ablationMeaning[name]]] : [],
  );
  return [
    'accuracy  95 % interval',
    ...[[formatEstimate(metrics.accuracy), 'posts as they are'], ...rows].map((row) => row.join('  ')),
  ];
}

function describeGroup({ group, rows, fakeRows, accuracy }: GroupMetrics): string {
  return `${group.slice(0, 24).padEnd(24)} ${formatEstimate(accuracy)}  ${rows} posts, ${fakeRows} FAKE`;
}

function wrap(text: string, width = 80): string {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) as string;
    if (last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.join('\n');
}
