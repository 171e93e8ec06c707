import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import {
  CrosscheckError,
  exitCodes,
  hideSecrets,
  print,
  printError,
  stopSignal,
  writeWhole,
} from '@crosscheck/contract';
import {
  type Composition,
  expandSweep,
  type HydraSettings,
  isHydraOverride,
  nearestName,
  readSettings,
  toYaml,
} from '@crosscheck/hydra';
import {
  type ComposeConfigOptions,
  type ComposedConfig,
  composeConfig,
  composeOnly,
  resolveOptions,
} from '../compose-config.ts';
import { hideInComposition } from '../hide.ts';
import { asOurs, fail, type Problem, throwProblems, withOurErrors } from '../problems.ts';
import type { Reads } from '../schema/read-when.ts';
import { findUnread } from '../unread.ts';
import type { Invocation } from './arguments.ts';
import type { Command, SweepJob } from './command.ts';
import { gpuEnvironment, visibleGpus } from './gpus.ts';
import { logTime } from './job-log.ts';
import { launch } from './launch.ts';
import { wholeConfig } from './run-folder.ts';
import { type JobRecord, recordFile } from './run-job.ts';
import { sweepJobVariable } from './sweep-job-variable.ts';
import { describeBest, describeUnfinished, nameOf, sharedOverrides, sortJobs, sweepTable } from './sweep-table.ts';

interface SweepRequest<C> {
  command: Command<C>;
  options: ComposeConfigOptions<C>;
  invocation: Invocation;
  now: Date;
}

/** A job that has not run yet. */
interface PlannedJob<C> {
  number: number;
  /** Of the task only. */
  overrides: string[];
  args: string[];
  runDir: string;
  outputSubdir: string | null;
  composed: ComposedConfig<C>;
}

interface Plan<C> {
  sweepDir: string;
  jobs: PlannedJob<C>[];
  parallel: number;
  batchSize: number;
  metric: string | null;
  direction: 'maximize' | 'minimize';
}

/** Runs every combination as its own process and prints the summary. @returns the exit code: 1 when a job is not finished */
export async function runSweep<C>(request: SweepRequest<C>): Promise<number> {
  const plan = planSweep(request);
  const { command } = request;
  const [first] = plan.jobs as [PlannedJob<C>];
  const opened = await command.openSweep?.({
    config: first.composed.config,
    sweepDir: plan.sweepDir,
    jobs: plan.jobs.map(({ number, overrides }) => ({ number, overrides: overrides.map(hideSecrets) })),
    metric: plan.metric,
    say,
  });
  say(`launching ${plan.jobs.length} jobs, ${plan.parallel} at once, in ${plan.sweepDir}`);
  const done = await runAll(plan, request, opened?.env ?? {});
  const sorted = sortJobs(done, plan.metric, plan.direction);
  const summary = path.join(plan.sweepDir, 'summary.json');
  writeWhole(summary, `${JSON.stringify(sorted.map(shownJob), null, 2)}\n`);
  print(`\n${sweepTable(sorted, plan.metric)}\n\nsummary: ${path.relative('.', summary)}`);
  for (const line of describeBest(sorted)) print(line);
  await opened?.close?.(sorted.map(shownJob));
  const isFinished = done.every((job) => job.status === 'finished');
  if (!isFinished) printError(describeUnfinished(done));
  return isFinished ? exitCodes.done : exitCodes.failed;
}

const shownJob = (job: SweepJob): SweepJob => ({
  ...job,
  overrides: job.overrides.map(hideSecrets),
  error: job.error === null ? null : hideSecrets(job.error),
});

function say(message: string): void {
  print(`[${logTime(new Date())}][HYDRA] ${message}`);
}

function planSweep<C>(request: SweepRequest<C>): Plan<C> {
  const { options, command } = request;
  const master = composeOnly(options, 'multirun');
  throwProblems(master.problems.map(asOurs));
  const settings = settingsOf(master, options);
  const metric = settings.text('sweeper.metric') ?? command.sweepMetric ?? null;
  requireMetric(metric, command.metrics);
  const sweepDir = path.resolve(settings.text('sweep.dir') ?? 'multirun');
  const lists = withOurErrors(() =>
    expandSweep(master.overrides, settings.value('sweeper.params'), (group) => master.searchPath.options(group)),
  );
  const jobs = planJobs(lists, master, { ...request, sweepDir });
  writeWhole(path.join(sweepDir, 'multirun.yaml'), toYaml(wholeConfig(hideInComposition(master))));
  const wanted = settings.number('launcher.n_jobs') ?? 1;
  return {
    sweepDir,
    jobs,
    parallel: Math.max(1, Math.min(jobs.length, wanted < 0 ? availableParallelism() : wanted)),
    batchSize: settings.number('sweeper.max_batch_size') ?? jobs.length,
    metric,
    direction: settings.text('sweeper.direction') === 'minimize' ? 'minimize' : 'maximize',
  };
}

function requireMetric(metric: string | null, known: readonly string[] | undefined): void {
  if (metric === null || known === undefined || known.includes(metric)) return;
  const near = nearestName(metric, known);
  fail(
    'CROSSCHECK_CONFIG_VALUE',
    `hydra.sweeper.metric: jobs report no ${metric}${near === undefined ? '' : `; did you mean ${near}?`}; they report ${known.join(', ')}`,
  );
}

function settingsOf<C>(composition: Composition, options: ComposeConfigOptions<C>): HydraSettings {
  return readSettings(composition, resolveOptions(composition, options));
}

/** Composes and validates every job before the first one starts, so that a slip does not show hours later. */
function planJobs<C>(
  lists: string[][],
  master: Composition,
  request: SweepRequest<C> & { sweepDir: string },
): PlannedJob<C>[] {
  const own = master.overrides.filter(isHydraOverride).map((override) => override.input);
  const problems: Problem[] = [];
  const jobs = lists.flatMap((overrides, number) => {
    try {
      return [planJob({ number, overrides, all: [...own, ...overrides] }, request)];
    } catch (error) {
      if (!(error instanceof CrosscheckError)) throw error;
      problems.push({ code: error.code, message: `job #${number} (${overrides.join(' ')}): ${error.message}` });
      return [];
    }
  });
  throwProblems(problems);
  throwProblems(unreadEverywhere(jobs, request.command.reads));
  return jobs;
}

/** What no job reads; a key that only some of them read is fine. */
function unreadEverywhere<C>(jobs: PlannedJob<C>[], reads: Reads<C> | undefined): Problem[] {
  const [first, ...others] = jobs.map(({ composed: { config, origins, composition } }) =>
    findUnread({ config, origins, raw: composition.config, reads }),
  );
  return [...(first ?? [])].filter(([key]) => others.every((unread) => unread.has(key))).map(([, problem]) => problem);
}

function planJob<C>(
  { number, overrides, all }: { number: number; overrides: string[]; all: string[] },
  { options, invocation, sweepDir }: SweepRequest<C> & { sweepDir: string },
): PlannedJob<C> {
  const jobOptions = { ...options, overrides: all, jobNumber: number };
  const composed = composeConfig(jobOptions);
  const settings = settingsOf(composed.composition, jobOptions);
  return {
    number,
    overrides,
    args: [...flagArguments(invocation), ...all],
    runDir: path.join(sweepDir, settings.text('sweep.subdir') ?? String(number)),
    outputSubdir: settings.text('output_subdir'),
    composed,
  };
}

/** The flags that decide which configs are read. */
function flagArguments({ flags }: Invocation): string[] {
  const pairs: [string, string | undefined][] = [
    ['--config-name', flags.configName],
    ['--config-path', flags.configPath],
    ['--config-dir', flags.configDir],
  ];
  return pairs.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
}

/** Runs the jobs in their order, `parallel` at a time; a signal lets the running ones end and skips the rest. */
async function runAll<C>(plan: Plan<C>, request: SweepRequest<C>, env: Record<string, string>): Promise<SweepJob[]> {
  const done: SweepJob[] = [];
  for (let start = 0; start < plan.jobs.length; start += plan.batchSize) {
    const waiting = plan.jobs.slice(start, start + plan.batchSize);
    const slots = Array.from({ length: plan.parallel }, async (_, slot) => {
      for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
        done.push(
          stopSignal() !== null
            ? skipped(job)
            : await runOne(job, plan, { ...env, ...jobEnvironment(job, plan, request, slot) }),
        );
      }
    });
    await Promise.all(slots);
  }
  return done.sort((a, b) => a.number - b.number);
}

function jobEnvironment<C>(
  job: PlannedJob<C>,
  plan: Plan<C>,
  { now }: SweepRequest<C>,
  slot: number,
): Record<string, string> {
  const swept = hideSecrets(nameOf(job, sharedOverrides(plan.jobs)));
  const place = { runDir: job.runDir, jobNumber: job.number, swept, now: now.toISOString() };
  return { ...gpuEnvironment(slot, plan.parallel, visibleGpus()), [sweepJobVariable]: JSON.stringify(place) };
}

async function runOne<C>(job: PlannedJob<C>, plan: Plan<C>, env: Record<string, string>): Promise<SweepJob> {
  say(`\t#${job.number} : ${job.overrides.join(' ')}`);
  const start = performance.now();
  const name = hideSecrets(`#${job.number} ${nameOf(job, sharedOverrides(plan.jobs))}`.trimEnd());
  const code = await launch({ args: job.args, env, prefix: plan.parallel > 1 ? `${name} | ` : null });
  const seconds = (performance.now() - start) / 1000;
  const { number, overrides, runDir } = job;
  const ending = endingOf(code, readRecord(job));
  if (ending.error !== null) say(`\t#${number} ${ending.status}: ${ending.error.split('\n')[0]}`);
  return { number, overrides, runDir, seconds, ...ending };
}

type Ending = Pick<SweepJob, 'status' | 'metrics' | 'code' | 'error' | 'checkpoint' | 'next'>;

/** How a job ended, by its exit code and the record that it left; one that left none says it by its exit code alone. */
function endingOf(exitCode: number | null, record: JobRecord | null): Ending {
  const metrics = record?.metrics ?? {};
  if (exitCode === 0 && record?.status === 'finished') {
    const { checkpoint, next } = record;
    const made = { ...(checkpoint !== undefined && { checkpoint }), ...(next && { next }) };
    return { status: 'finished', metrics, code: null, error: null, ...made };
  }
  const ended = exitCode === null ? 'it was ended by a signal' : `it ended with exit code ${exitCode}`;
  const { code, message } = record?.error ?? { code: null, message: ended };
  // A signal may come before a job can say anything.
  const wasStopped = record?.status === 'interrupted' || (record === null && stopSignal() !== null);
  return { status: wasStopped ? 'interrupted' : 'failed', metrics, code, error: message };
}

function skipped<C>({ number, overrides, runDir }: PlannedJob<C>): SweepJob {
  return { number, overrides, runDir, status: 'skipped', metrics: {}, seconds: 0, code: null, error: null };
}

function readRecord<C>({ runDir, outputSubdir }: PlannedJob<C>): JobRecord | null {
  try {
    return JSON.parse(readFileSync(path.join(runDir, outputSubdir ?? '', recordFile), 'utf8')) as JobRecord;
  } catch {
    return null;
  }
}
