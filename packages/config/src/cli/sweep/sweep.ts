import { availableParallelism } from 'node:os';
import path from 'node:path';
import { exitCodes, hideSecrets, print, printError, stopSignal } from '@crosscheck/contract';
import { forEachConcurrently, writeWhole } from '@crosscheck/files';
import { expandSweep, toYaml } from '@crosscheck/hydra';
import { flattenConfig } from '../../flatten.ts';
import { hideInComposition } from '../../hide.ts';
import { withOurErrors } from '../../problems.ts';
import type { SweepJob } from '../command.ts';
import { wholeConfig } from '../run-folder.ts';
import { runOne, skipped } from './job.ts';
import {
  describeOwnFolders,
  equalJobs,
  type PlannedJob,
  planJobs,
  type SweepFrame,
  type SweepRequest,
  say,
  sharesFolder,
  withOwnFolder,
} from './plan.ts';
import { requireMetric } from './search-settings.ts';
import { describeBest, describeUnfinished, nameOf, sharedOverrides, sortJobs, sweepTable } from './table.ts';

interface Plan<C> {
  sweepDir: string;
  jobs: PlannedJob<C>[];
  parallel: number;
  batchSize: number;
  metric: string | null;
  direction: 'maximize' | 'minimize';
}

/** Runs every combination as its own process and prints the summary. @returns the exit code: 1 when a job is not finished */
export async function runSweep<C>(frame: SweepFrame<C>): Promise<number> {
  const plan = planSweep(frame);
  const { request } = frame;
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

function planSweep<C>(frame: SweepFrame<C>): Plan<C> {
  const { settings, master, sweepDir, request } = frame;
  const { command } = request;
  const metric = settings.text('sweeper.metric') ?? command.sweepMetric ?? null;
  requireMetric(metric, command.metrics);
  const lists = withOurErrors(() =>
    expandSweep(master.overrides, settings.value('sweeper.params'), (group) => master.searchPath.options(group)),
  );
  const jobs = separateFolders(planJobs(lists, frame), command.ownFolder);
  for (const numbers of equalJobs(jobs, command.reads))
    say(
      `jobs ${numbers.map((number) => `#${number}`).join(' and ')} are the same run: they differ only in what they do not read`,
    );
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

function separateFolders<C>(jobs: PlannedJob<C>[], key: string | undefined): PlannedJob<C>[] {
  if (!sharesFolder(jobs, key)) return jobs;
  say(describeOwnFolders(key, flattenConfig(jobs[0]?.composed.config)[key]));
  return jobs.map((job) => withOwnFolder(job, key));
}

/** Runs the jobs in their order, `parallel` at a time; a signal lets the running ones end and skips the rest. */
async function runAll<C>(plan: Plan<C>, { now }: SweepRequest<C>, env: Record<string, string>): Promise<SweepJob[]> {
  const done: SweepJob[] = [];
  const shared = sharedOverrides(plan.jobs);
  for (let start = 0; start < plan.jobs.length; start += plan.batchSize) {
    const batch = plan.jobs.slice(start, start + plan.batchSize);
    const runJob = async (job: PlannedJob<C>, _: number, slot: number) => {
      const run = { slot, slots: plan.parallel, name: nameOf(job, shared), now, env };
      done.push(stopSignal() !== null ? skipped(job) : await runOne(job, run));
    };
    await forEachConcurrently(batch, plan.parallel, runJob, { heedsStop: false });
  }
  return done.sort((a, b) => a.number - b.number);
}
