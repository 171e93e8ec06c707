import { availableParallelism } from 'node:os';
import path from 'node:path';
import { writeWhole } from '@crosscheck/files';
import { probes, type SearchSpace, searchSpace, toYaml, trialOverrides } from '@crosscheck/hydra';
import { flattenConfig } from '../../flatten.ts';
import { hideInComposition } from '../../hide.ts';
import { fail, withOurErrors } from '../../problems.ts';
import type { SweepJob, TrialRun } from '../command.ts';
import { wholeConfig } from '../run-folder.ts';
import { runOne } from './job.ts';
import {
  describeOwnFolders,
  type PlannedJob,
  planJob,
  planJobs,
  type SweepFrame,
  say,
  sharesFolder,
  withOwnFolder,
} from './plan.ts';
import { objectivesOf, readSearchSettings } from './search-settings.ts';

/** Hands a checked search space, and the way to run a trial, to the command that searches. @returns the exit code */
export async function runSearch<C>(frame: SweepFrame<C>): Promise<number> {
  const { command } = frame.request;
  if (command.search === undefined)
    return fail(
      'CROSSCHECK_CONFIG_SWEEP',
      `hydra/sweeper=optuna: ${command.name} has nothing to search for; train has`,
    );
  const settings = readSearchSettings(frame);
  const { master, sweepDir } = frame;
  const space = withOurErrors(() =>
    searchSpace(master.overrides, frame.settings.value('sweeper.params'), (group) => master.searchPath.options(group)),
  );
  const objectives = objectivesOf(settings, frame.request.command);
  const jobs = checkSpace(space, frame);
  const [first] = jobs as [PlannedJob<C>];
  const prepare = ownFolders(jobs, frame);
  writeWhole(path.join(sweepDir, 'multirun.yaml'), toYaml(wholeConfig(hideInComposition(master))));
  const wanted = settings.n_jobs < 1 ? availableParallelism() : settings.n_jobs;
  const parallel = Math.min(wanted, settings.n_trials);
  const runTrial = ({ number, drawn, ...run }: TrialRun): Promise<SweepJob> => {
    const job = withOurErrors(() => planJob({ number, overrides: trialOverrides(space, drawn) }, frame));
    return runOne(prepare(job), { ...run, slots: parallel, now: frame.request.now });
  };
  return command.search({
    config: first.composed.config,
    sweepDir,
    settings,
    space,
    parallel,
    say,
    ...objectives,
    runTrial: async (trial) => runTrial(trial),
  });
}

/** Every choice and both ends of every parameter are composed before the first trial: a key that nothing reads is refused by name. */
function checkSpace<C>(space: SearchSpace, frame: SweepFrame<C>): PlannedJob<C>[] {
  if (space.params.size === 0)
    fail(
      'CROSSCHECK_CONFIG_SWEEP',
      "hydra/sweeper=optuna has nothing to search: write intervals or choices into hydra.sweeper.params, or type them: 'training.learning_rate=tag(log, interval(1e-5,1e-3))'",
    );
  return planJobs(
    probes(space).map((drawn) => trialOverrides(space, drawn)),
    frame,
  );
}

function ownFolders<C>(jobs: readonly PlannedJob<C>[], frame: SweepFrame<C>): (job: PlannedJob<C>) => PlannedJob<C> {
  const { ownFolder: key } = frame.request.command;
  if (!sharesFolder(jobs, key)) return (job) => job;
  say(describeOwnFolders(key, flattenConfig(jobs[0]?.composed.config)[key]));
  return (job) => withOwnFolder(job, key);
}
