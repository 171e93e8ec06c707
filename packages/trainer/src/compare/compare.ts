import path from 'node:path';
import type { JobResult, Run } from '@crosscheck/config';
import { CrosscheckError } from '@crosscheck/contract';
import { metricNames, wrap } from '@crosscheck/evaluation';
import { writeWhole } from '@crosscheck/files';
import { type ComparisonData, describeComparison, type JudgedPair, renderComparison } from '@crosscheck/report';
import { comparedData, comparedRuns, namesOf, settingsThatDiffer } from './describe.ts';
import { commonSplit, compareSplit } from './match-rows.ts';
import { type ReadRun, readRun } from './read-run.ts';
import type { CompareConfig } from './schema.ts';
import { formatComparison, formatSettings } from './show.ts';

/**
 * Two runs side by side: `compare.html` with curves, paired differences of metrics, settings and data that differ and the posts that tell the two
 * apart, and `compare.json` with the figures.
 *
 * @throws CROSSCHECK_COMPARE_RUNS, CROSSCHECK_COMPARE_NO_RUN, CROSSCHECK_COMPARE_UNREADABLE, CROSSCHECK_COMPARE_NOTHING
 */
export async function compare(run: Run<CompareConfig>): Promise<JobResult> {
  const { output_dir, runs: folders } = run.config.compare;
  const [a, b] = requireTwo(folders);
  const data = compareRuns([readRun(a), readRun(b)], run.config);
  const folder = path.resolve(output_dir ?? run.runDir);
  const [page, figures] = [path.join(folder, 'compare.html'), path.join(folder, 'compare.json')];
  writeWhole(page, await renderComparison(data));
  writeWhole(figures, `${JSON.stringify(figuresOf(data), null, 2)}\n`);
  const lines = [...summaryOf(data), '', ...[page, figures].map((file) => path.relative('.', file))];
  process.stdout.write(`${lines.join('\n')}\n`);
  return { metrics: differencesOf(data.judged) };
}

function requireTwo(runs: readonly string[]): [string, string] {
  const [a, b] = runs;
  if (runs.length === 2 && a !== undefined && b !== undefined) return [a, b];
  throw new CrosscheckError(
    'CROSSCHECK_COMPARE_RUNS',
    `expected two run folders, got ${runs.length === 0 ? 'none' : runs.join(', ')}; for example: pnpm compare outputs/<run> outputs/<other run>`,
  );
}

/** Everything that the page shows. @throws CROSSCHECK_COMPARE_NOTHING */
export function compareRuns(runs: readonly [ReadRun, ReadRun], { compare: settings }: CompareConfig): ComparisonData {
  const names = namesOf([runs[0].folder, runs[1].folder]);
  const common = commonSplit(runs, settings.split);
  const compared = common && compareSplit(...common, { resamples: settings.resamples, seed: settings.seed });
  const curves = runs.flatMap(({ epochs }, i) => (epochs.length > 0 ? [{ name: names[i] as string, epochs }] : []));
  if (compared === null && curves.length < 2) throw nothingInCommon(runs);
  const { disagreements = null, warnings = [], ...pair } = compared ?? {};
  const judged = compared && ({ ...pair, names, ...(disagreements && { disagreements }) } as JudgedPair);
  return {
    names,
    createdAt: new Date().toISOString(),
    ...(judged === null && { description: noSplit }),
    warnings: [...warnings, ...runs.flatMap((read) => read.warnings)],
    runs: comparedRuns(runs),
    judged,
    curves,
    settings: settingsThatDiffer(runs),
    data: comparedData(runs),
  };
}

const noSplit = 'The two runs judged no split in common: only their curves and settings can be compared.';

function nothingInCommon(runs: readonly [ReadRun, ReadRun]): CrosscheckError {
  const has = ({ folder, epochs, judged }: ReadRun) => {
    const splits = judged.map(({ result }) => `verdicts on ${result.split}`);
    const parts = [...(epochs.length > 0 ? [`${epochs.length} epochs`] : []), ...splits];
    return `${folder} has ${parts.join(' and ') || 'neither'}`;
  };
  const message = `expected verdicts on the same split, or epochs, in both runs, but ${runs.map(has).join(', and ')}; judge both on one split with pnpm evaluate and compare those runs`;
  return new CrosscheckError('CROSSCHECK_COMPARE_NOTHING', message);
}

function summaryOf({ names, judged, warnings, settings, description }: ComparisonData): string[] {
  return [
    ...wrap(`${names[1]} against ${names[0]}${judged ? ` on ${judged.split}` : ''}`),
    ...warnings.flatMap((warning) => wrap(`note: ${warning}`)),
    '',
    ...(judged ? [...formatComparison(judged), ''] : []),
    ...wrap(judged ? describeComparison(judged) : (description ?? '')),
    '',
    ...formatSettings(settings),
  ];
}

/** The page without pictures, captions and plots. */
function figuresOf({ names, judged, warnings, settings, data, runs }: ComparisonData) {
  if (judged === null) return { names, warnings, judged, settings, data, runs };
  const { disagreements, ...figures } = judged;
  const differ = disagreements?.map(({ source, label, probabilities, verdicts }) => ({
    id: source,
    label,
    probabilities,
    verdicts,
  }));
  return { names, warnings, judged: { ...figures, disagreements: differ ?? null }, settings, data, runs };
}

function differencesOf(judged: JudgedPair | null): Record<string, number> {
  if (judged === null) return {};
  const entries = metricNames.map((name) => [`difference/${name}`, judged.comparison.metrics[name].difference.value]);
  return Object.fromEntries(entries.filter(([, value]) => Number.isFinite(value)));
}
