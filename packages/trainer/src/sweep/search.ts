import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type ReportEpoch, type SearchStart, type SweepJob, type TrainConfig, visibleGpus } from '@crosscheck/config';
import {
  CrosscheckError,
  epochMetricNames,
  exitCodes,
  hideSecrets,
  messageOf,
  print,
  stopSignal,
} from '@crosscheck/contract';
import { isLowerBetter } from '@crosscheck/evaluation';
import { distributionJson } from '@crosscheck/hydra';
import { openParent } from './parent-run.ts';
import { describeContinuation, finishSearch, nameTrial, type Search } from './results.ts';
import { type AskedTrial, type OpenedStudy, Study, type ToldTrial } from './study.ts';

/**
 * Searches with Optuna: asks for a trial whenever one can run, runs it as its own process, prunes it by its epochs, and tells how it ended. The study is Optuna's
 * own, so that it goes on in a later call. @returns the exit code
 *
 * @throws CROSSCHECK_SEARCH_…
 */
export async function search(start: SearchStart<TrainConfig>): Promise<number> {
  checkDirections(start);
  checkPruning(start);
  mkdirSync(start.sweepDir, { recursive: true });
  const study = await Study.start(path.join(start.sweepDir, 'optuna.log'));
  try {
    const running = await openSearch(start, study);
    await runTrials(running);
    await finishSearch(running);
    if (stopSignal() !== null) print(describeContinuation(running));
    return exitCodeOf(running);
  } finally {
    await study.close();
  }
}

/** What is not measured after each epoch would never prune a trial. */
function checkPruning({ metrics: [metric = ''], settings }: SearchStart<TrainConfig>): void {
  const pruner = nameOfClass(settings.pruner);
  if (pruner === 'NopPruner' || epochMetricNames.includes(metric)) return;
  const message = `hydra/sweeper/pruner: trials are pruned by their epochs, and ${metric} is known at their end only; choose hydra/sweeper/pruner=none, or a hydra.sweeper.metric of epochs: ${epochMetricNames.filter((name) => name.startsWith('val/')).join(', ')}`;
  throw new CrosscheckError('CROSSCHECK_CONFIG_VALUE', message);
}

/** A direction that would search for the worst is a slip; the plugin's default is minimize. */
function checkDirections({ metrics, directions }: SearchStart<TrainConfig>): void {
  for (const [i, metric] of metrics.entries()) {
    const right = isLowerBetter(metric) ? 'minimize' : 'maximize';
    if (!metric.startsWith('val/') || directions[i] === right) continue;
    const message = `hydra.sweeper.direction: ${metric} is better when ${right === 'minimize' ? 'lower' : 'higher'}, got ${directions[i]}; set hydra.sweeper.direction=${right}`;
    throw new CrosscheckError('CROSSCHECK_CONFIG_VALUE', message);
  }
}

async function openSearch(start: SearchStart<TrainConfig>, study: Study): Promise<Search> {
  const { settings, space, sweepDir, directions, metrics, config, parallel, say } = start;
  const storage = settings.storage ?? `sqlite:///${path.join(sweepDir, 'study.db')}`;
  const opened = await study.open({
    storage,
    study: settings.study_name,
    directions,
    sampler: settings.sampler,
    pruner: settings.pruner,
    space: Object.fromEntries([...space.params].map(([name, distribution]) => [name, distributionJson(distribution)])),
    metrics,
  });
  say(`Study name: ${opened.study}`);
  say(`Storage: ${hideSecrets(storage)}`);
  say(`Sampler: ${nameOfClass(settings.sampler)} of Optuna ${opened.version}, pruner: ${nameOfClass(settings.pruner)}`);
  say(`Directions: ${directions.map((direction, i) => `${direction} ${metrics[i]}`).join(', ')}`);
  for (const line of [...describeEarlier(opened), ...describeSharing(parallel, visibleGpus())]) say(line);
  const parent = await openParent(config, { stage: 'search', folder: sweepDir, say });
  parent?.logger.logParams({
    study: opened.study,
    storage: hideSecrets(storage),
    sampler: nameOfClass(settings.sampler),
    pruner: nameOfClass(settings.pruner),
    directions: directions.join(', '),
    objectives: metrics.join(', '),
    sweep_dir: sweepDir,
  });
  const wanted = Math.min(settings.n_trials, opened.left ?? Number.POSITIVE_INFINITY);
  return { start, study, opened, storage, parent, wanted, jobs: [], failed: 0 };
}

const nameOfClass = ({ _target_: target }: { _target_: string }) => {
  const name = target.split('.').at(-1) as string;
  return { create_nsgaii_sampler: 'NSGAIISampler', create_nsgaiii_sampler: 'NSGAIIISampler' }[name] ?? name;
};

/** Memory is shared where trials share a GPU, and each is slower. */
const describeSharing = (parallel: number, gpus: readonly string[]) =>
  gpus.length > 0 && parallel > gpus.length
    ? [`${parallel} trials at once share ${gpus.length} GPU; set hydra.sweeper.n_jobs=${gpus.length} for one each`]
    : [];

const list = (numbers: readonly number[]) => numbers.map((number) => `#${number}`).join(', ');

function describeEarlier({ trials, taken_up, elsewhere }: OpenedStudy): string[] {
  return [
    ...(trials === 0 ? [] : [`the study goes on after ${trials} ${trials === 1 ? 'trial' : 'trials'}`]),
    ...(taken_up.length === 0
      ? []
      : [`${list(taken_up)} left running by a search that is gone: failed, and tried again`]),
    ...(elsewhere.length === 0 ? [] : [`${list(elsewhere)} may be running elsewhere: left as they are`]),
  ];
}

/** As many trials at the same time as there are slots; the next one is asked for as soon as a slot is free, so that it knows of all that have ended. */
async function runTrials(running: Search): Promise<void> {
  const { wanted } = running;
  const { settings, parallel, say, sweepDir } = running.start;
  if (wanted < settings.n_trials) say(`the grid has ${wanted} trials left`);
  say(`running ${wanted} ${wanted === 1 ? 'trial' : 'trials'}, ${Math.min(parallel, wanted)} at once, in ${sweepDir}`);
  let asked = 0;
  const slots = Array.from({ length: Math.min(parallel, wanted) }, async (_, slot) => {
    while (asked < wanted && stopSignal() === null && !hasFailedTooOften(running)) {
      asked += 1;
      await runTrial(running, slot);
    }
  });
  // A slot that breaks ends the search when the others have told how theirs ended.
  const ends = await Promise.allSettled(slots);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** The share is of all trials of the call: the search ends when it can no longer be kept. */
function hasFailedTooOften({ failed, wanted, start: { settings } }: Search): boolean {
  return failed > settings.max_failure_rate * wanted;
}

async function runTrial(running: Search, slot: number): Promise<void> {
  const { study, start } = running;
  const asked = await study.ask(fixedAttributes(start));
  const job = await runJob(running, asked, slot);
  running.jobs.push(job);
  const told = toldOf(asked.trial, job, start.metrics);
  if (told.state === 'fail' && !told.again) running.failed += 1;
  await study.tell(told);
  const figures = told.values?.map((value, i) => `${start.metrics[i]} ${Number(value.toPrecision(6))}`).join(', ');
  if (figures !== undefined) start.say(`\t#${asked.trial} : ${figures}`);
}

/** What stands for every trial, as user attributes: optuna-dashboard shows them. */
function fixedAttributes({ space }: SearchStart<TrainConfig>): Record<string, string> {
  const pairs = space.fixed.map(({ input }) => /^\+{0,2}([^=]*)=?(.*)$/s.exec(hideSecrets(input))?.slice(1) ?? []);
  return Object.fromEntries(pairs.map(([key = '', value = '']) => [key, value]));
}

async function runJob(
  { start, study, parent }: Search,
  { trial: number, params }: AskedTrial,
  slot: number,
): Promise<SweepJob> {
  const [metric] = start.metrics as [string];
  const name = nameTrial(start.space, params);
  const onReport: ReportEpoch = async ({ epoch, metrics }) => {
    // Optuna prunes by one number; with several objectives there is none.
    if (start.metrics.length > 1 || metrics[metric] === undefined) return 'goes on';
    return (await study.report(number, epoch, metrics[metric])) ? 'pruned' : 'goes on';
  };
  try {
    return await start.runTrial({ number, drawn: params, slot, name, env: parent?.env ?? {}, onReport });
  } catch (error) {
    if (!(error instanceof CrosscheckError)) throw error;
    const failure = { code: error.code, error: messageOf(error) };
    return { number, overrides: [name], runDir: '', status: 'failed', metrics: {}, seconds: 0, ...failure };
  }
}

/** How a trial ended, as Optuna records it. One that a signal ended is tried again when the study goes on. */
function toldOf(trial: number, job: SweepJob, metrics: readonly string[]): ToldTrial {
  const where = { run_dir: job.runDir };
  if (job.status === 'pruned') return { trial, state: 'pruned', values: null, attrs: where };
  const values = metrics.map((metric) => job.metrics[metric] ?? Number.NaN);
  if (job.status === 'finished' && values.every(Number.isFinite))
    return { trial, state: 'complete', values, attrs: where };
  const stopped = job.status === 'interrupted' || job.status === 'skipped';
  const error = job.error ?? `it reported no finite ${metrics.join(' and ')}`;
  return { trial, state: 'fail', values: null, attrs: { ...where, error: hideSecrets(error) }, again: stopped };
}

/** @throws CROSSCHECK_SEARCH_FAILURES */
function exitCodeOf(running: Search): number {
  const { jobs, failed, start } = running;
  if (stopSignal() !== null) return exitCodes.failed;
  const first = jobs.find(({ status }) => status === 'failed')?.error?.split('\n')[0] ?? 'no finite objective';
  const allowed = `hydra.sweeper.max_failure_rate=${start.settings.max_failure_rate}`;
  if (hasFailedTooOften(running))
    throw new CrosscheckError(
      'CROSSCHECK_SEARCH_FAILURES',
      `${failed} of ${jobs.length} trials failed, more than ${allowed} allows; the first: ${first}; ${describeContinuation(running)}`,
    );
  return exitCodes.done;
}
