import { formatDifference, metricNames, wrap } from '@crosscheck/evaluation';
import type { ComparedSetting, JudgedPair } from '@crosscheck/report';

// 16 for the metric and 29 for the difference leave two columns of 14 in a terminal of 80.
const widestName = 14;

const cut = (text: string, width = widestName) => (text.length <= width ? text : `…${text.slice(1 - width)}`);

/** Both models' metrics and their differences, in lines of a terminal. */
export function formatComparison({ names, comparison }: Omit<JudgedPair, 'disagreements'>): string[] {
  const metricWidth = Math.max(...metricNames.map((name) => name.length));
  const [a, b] = names.map((name) => cut(name));
  const [first, second] = [a ?? '', b ?? ''].map((name) => Math.max(6, name.length)) as [number, number];
  const value = (number: number, width: number) => (Number.isNaN(number) ? 'n/a' : number.toFixed(4)).padStart(width);
  const rows = metricNames.map((name) => {
    const metric = comparison.metrics[name];
    const difference = Number.isNaN(metric.difference.value) ? 'n/a' : formatDifference(metric.difference, 4);
    return [
      name.padEnd(metricWidth),
      value(metric.first.value, first),
      value(metric.second.value, second),
      difference,
    ].join('  ');
  });
  const head = ['metric'.padEnd(metricWidth), (a ?? '').padStart(first), (b ?? '').padStart(second)];
  return [[...head, 'difference (95 % interval)'].join('  '), ...rows];
}

const shownSettings = 12;

/** The first settings that differ; the page has them all. */
export function formatSettings(settings: readonly ComparedSetting[]): string[] {
  if (settings.length === 0) return ['settings: no difference'];
  const lines = settings
    .slice(0, shownSettings)
    .flatMap(({ key, values: [a, b] }) =>
      wrap(`  ${key}: ${cut(a ?? '(not set)', 40)} → ${cut(b ?? '(not set)', 40)}`, { indent: '    ' }),
    );
  const more = settings.length - shownSettings;
  return [
    `settings that differ: ${settings.length}`,
    ...lines,
    ...(more > 0 ? [`  and ${more} more, on the page`] : []),
  ];
}
