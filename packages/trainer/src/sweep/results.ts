import path from 'node:path';
import { commandLine, formatTable, type SearchStart, type SweepJob, type TrainConfig } from '@crosscheck/config';
import { hideSecrets, print, stopSignal } from '@crosscheck/contract';
import { writeWhole } from '@crosscheck/files';
import {
  type ConfigNode,
  type Distribution,
  drawnText,
  fromPlain,
  type SearchSpace,
  storedNode,
  toYaml,
} from '@crosscheck/hydra';
import { renderSearch, type SearchedTrial } from '@crosscheck/report';
import type { RunStatus } from 'mlflow-js-client';
import { flatNames, type ParentRun } from './parent-run.ts';
import { shortNames } from './short-names.ts';
import type { OpenedStudy, StoredNumber, StoredTrial, Study, StudySummary } from './study.ts';

/** A search while it runs. */
export interface Search {
  start: SearchStart<TrainConfig>;
  study: Study;
  opened: OpenedStudy;
  storage: string;
  parent: ParentRun | null;
  /** Trials of this call. */
  wanted: number;
  /** Those that ended, in this order. */
  jobs: SweepJob[];
  failed: number;
}

/** Results as hydra-optuna-sweeper names and writes them. */
const resultsFile = 'optimization_results.yaml';
const pageFile = 'search.html';
/** A terminal shows so many trials; the page has all. */
const shownTrials = 20;

/** Writes what the study knows after the last trial, and tells it. */
export async function finishSearch(search: Search): Promise<void> {
  const { start, study, jobs } = search;
  const summary = await study.summary();
  const inFolder = (name: string) => path.join(start.sweepDir, name);
  const trials = sortTrials(summary, start.directions).map((trial) => describeTrial(trial, start.space));
  writeWhole(inFolder('summary.json'), `${JSON.stringify(jobs.map(hideInJob), null, 2)}\n`);
  if (summary.best.length > 0) writeWhole(inFolder(resultsFile), resultsYaml(summary, start));
  writeWhole(inFolder(pageFile), await renderPage(search, summary, trials));
  for (const line of closingLines(search, summary, trials)) print(line);
  await closeParent(search, summary);
}

const hideInJob = (job: Search['jobs'][number]) => ({
  ...job,
  overrides: job.overrides.map(hideSecrets),
  error: job.error === null ? null : hideSecrets(job.error),
});

const states = ['complete', 'pruned', 'running', 'waiting', 'fail'];

/** Best first: the best ones, then by the first objective, then those that did not get to their end. */
function sortTrials({ trials, best }: StudySummary, directions: Search['start']['directions']): StoredTrial[] {
  const sign = directions[0] === 'maximize' ? -1 : 1;
  const rank = ({ number, state, values }: StoredTrial) => [
    best.includes(number) ? 0 : 1,
    states.indexOf(state),
    sign * Number(values?.[0] ?? 0),
    number,
  ];
  return trials.toSorted((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    const at = x.findIndex((value, i) => value !== y[i]);
    return at < 0 ? 0 : (x[at] as number) - (y[at] as number);
  });
}

/** Infinities come as Python's text. */
const asNumber = (value: StoredNumber) =>
  typeof value === 'number' ? value : Number(value.replace('inf', 'Infinity').replace('nan', 'NaN'));

function describeTrial(trial: StoredTrial, space: SearchSpace): SearchedTrial {
  const drawn = Object.entries(trial.params);
  return {
    ...trial,
    values: trial.values?.map(asNumber) ?? null,
    epochs: trial.epochs.map(([epoch, value]) => [epoch, asNumber(value)]),
    texts: Object.fromEntries(
      drawn.map(([name, value]) => [name, briefText(space.params.get(name) as Distribution, value)]),
    ),
    note: typeof trial.attrs['error'] === 'string' ? (trial.attrs['error'].split('\n')[0] as string) : null,
  };
}

/** Four digits tell numbers apart; the files have all of them. */
function briefText(distribution: Distribution, value: number): string {
  return distribution.kind === 'float' ? String(Number(value.toPrecision(4))) : drawnText(distribution, value);
}

/** A trial in a few words: the short names of its parameters with their values. */
export function nameTrial({ params }: SearchSpace, drawn: Readonly<Record<string, number>>): string {
  const short = shortNames([...params.keys()]);
  const pairs = [...params].map(
    ([name, distribution]) => `${short.get(name)}=${briefText(distribution, drawn[name] as number)}`,
  );
  return pairs.join(' ');
}

/** The file that hydra-optuna-sweeper leaves, in its shape. */
export function resultsYaml(
  summary: StudySummary,
  { space, directions }: Pick<Search['start'], 'space' | 'directions'>,
): string {
  const float = (value: number) => Object.assign(fromPlain(value), { type: 'float' }) as ConfigNode;
  const paramsOf = ({ params }: StoredTrial): ConfigNode =>
    map(
      Object.entries(params).map(([name, value]) => [name, storedNode(space.params.get(name) as Distribution, value)]),
    );
  const valuesOf = ({ values }: StoredTrial) => (values ?? []).map((value) => float(asNumber(value)));
  const best = summary.best.map((number) => summary.trials.find((trial) => trial.number === number) as StoredTrial);
  const [first] = best as [StoredTrial];
  const solutions = best.map((trial) =>
    map([
      ['params', paramsOf(trial)],
      ['values', { kind: 'list', items: valuesOf(trial), origin: '' }],
    ]),
  );
  const results: [string, ConfigNode][] =
    directions.length === 1
      ? [
          ['best_params', paramsOf(first)],
          ['best_value', valuesOf(first)[0] as ConfigNode],
        ]
      : [['solutions', { kind: 'list', items: solutions, origin: '' }]];
  return toYaml(map([['name', fromPlain('optuna')], ...results]));
}

const map = (entries: [string, ConfigNode][]): ConfigNode => ({ kind: 'map', entries: new Map(entries), origin: '' });

function renderPage(
  { start, opened, storage }: Search,
  { best, importances, importances_missing }: StudySummary,
  trials: SearchedTrial[],
): Promise<string> {
  const { space, metrics, directions, settings } = start;
  const short = shortNames([...space.params.keys()]);
  return renderSearch({
    study: opened.study,
    storage: hideSecrets(storage),
    facts: {
      optuna: opened.version,
      sampler: keywords(settings.sampler),
      pruner: keywords(settings.pruner),
      'fixed overrides': space.fixed.map(({ input }) => hideSecrets(input)).join(' ') || 'none',
    },
    objectives: metrics.map((metric, i) => ({ metric, direction: directions[i] as 'minimize' | 'maximize' })),
    params: [...space.params].map(([name, distribution]) => ({
      name,
      short: short.get(name) as string,
      ...(distribution.kind === 'categorical'
        ? { choices: distribution.choices.map((_, i) => drawnText(distribution, i)) }
        : { low: distribution.low, high: distribution.high, log: distribution.log }),
    })),
    trials,
    best,
    importances,
    importancesMissing: importances_missing,
    createdAt: new Date().toISOString(),
  });
}

/** `TPESampler(seed=1, multivariate=false)`: what is left null is Optuna's. */
function keywords({ _target_: target, ...given }: Record<string, unknown>): string {
  const stated = Object.entries(given).filter(([key, value]) => !key.startsWith('_') && value !== null);
  return `${String(target).split('.').at(-1)}(${stated.map(([key, value]) => `${key}=${String(value)}`).join(', ')})`;
}

function closingLines({ start, opened, storage }: Search, summary: StudySummary, trials: SearchedTrial[]): string[] {
  const relative = (name: string) => path.relative('.', path.join(start.sweepDir, name));
  const counts = states.flatMap((state) => {
    const count = trials.filter((trial) => trial.state === state).length;
    return count === 0 ? [] : [`${count} ${state === 'fail' ? 'failed' : state}`];
  });
  const best = trials.find(({ number }) => number === summary.best[0]);
  return [
    '',
    ...trialTable(trials, start.metrics),
    '',
    `study ${opened.study}: ${trials.length} trials, ${counts.join(', ')}`,
    ...(best === undefined ? ['no trial has reached its end'] : describeBest(best, start, summary.best.length)),
    `page: ${relative(pageFile)}`,
    ...(summary.best.length > 0 ? [`results: ${relative(resultsFile)}`] : []),
    `look into the study with: optuna-dashboard ${hideSecrets(storage)}`,
  ];
}

function describeBest(best: SearchedTrial, { metrics, space }: Search['start'], count: number): string[] {
  const values = (best.values ?? []).map((value, i) => `${metrics[i]} ${figure(value)}`).join(', ');
  const more = count > 1 ? `; ${count} trials are not beaten in every objective` : '';
  const overrides = [...space.params].map(
    ([name, distribution]) => `${name}=${drawnText(distribution, best.params[name] as number)}`,
  );
  return [
    `best: #${best.number}, ${values}${more}`,
    `  ${commandLine('train', [...space.fixed.map(({ input }) => hideSecrets(input)), ...overrides])}`,
  ];
}

const figure = (value: number) => (Number.isFinite(value) ? String(Number(value.toPrecision(5))) : String(value));

/** The trials in lines of the terminal's width. */
function trialTable(trials: readonly SearchedTrial[], metrics: readonly string[]): string[] {
  const short = shortNames([...new Set(trials.flatMap(({ texts }) => Object.keys(texts)))]);
  const rows = trials
    .slice(0, shownTrials)
    .map((trial) => [
      `#${trial.number}`,
      trial.state,
      ...metrics.map((_, i) => (trial.values?.[i] === undefined ? '-' : figure(trial.values[i]))),
      trial.epochs.length === 0 ? '-' : String(trial.epochs.length),
      [
        ...Object.entries(trial.texts).map(([name, text]) => `${short.get(name)}=${text}`),
        trial.note === null ? '' : `(${cut(trial.note)})`,
      ]
        .join(' ')
        .trimEnd(),
    ]);
  const left = trials.length - rows.length;
  const lines = formatTable([['trial', 'state', ...metrics, 'epochs', 'parameters'], ...rows], width());
  return left > 0 ? [...lines, `  … and ${left} more`] : lines;
}

const cut = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
const width = () => process.stdout.columns || 80;

async function closeParent({ parent, start }: Search, summary: StudySummary): Promise<void> {
  if (parent === null) return;
  const { logger } = parent;
  const best = summary.trials.find(({ number }) => number === summary.best[0]);
  if (best?.values) {
    const values = Object.fromEntries(
      start.metrics.map((metric, i) => [metric, asNumber(best.values?.[i] ?? Number.NaN)]),
    );
    logger.logMetrics(flatNames(values), 0);
    logger.logParams({ best_trial: best.number, best_overrides: nameTrial(start.space, best.params) });
  }
  logger.logParams({ trials: summary.trials.length });
  for (const name of ['summary.json', pageFile, ...(best ? [resultsFile] : [])])
    logger.logArtifact(path.join(start.sweepDir, name), name);
  await parent.close(statusOf(summary));
}

/** A search is done when it has a best trial; single trials may fail. */
function statusOf({ best }: StudySummary): RunStatus {
  if (stopSignal() !== null) return 'KILLED';
  return best.length > 0 ? 'FINISHED' : 'FAILED';
}

/** How the study goes on: the same command with the study's place and name, and the trials that are left. */
export function describeContinuation({ start, opened, storage, jobs }: Search): string {
  const ended = jobs.filter(({ status }) => status !== 'interrupted' && status !== 'skipped').length;
  const left = Math.max(1, start.settings.n_trials - ended);
  return `the study goes on with the same command and hydra.sweeper.storage=${hideSecrets(storage)} hydra.sweeper.study_name=${opened.study} hydra.sweeper.n_trials=${left}`;
}
