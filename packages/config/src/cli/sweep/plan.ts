import path from 'node:path';
import { CrosscheckError, print } from '@crosscheck/contract';
import {
  type Composition,
  formatElement,
  fromPlain,
  type HydraSettings,
  isHydraOverride,
  readSettings,
} from '@crosscheck/hydra';
import {
  type ComposeConfigOptions,
  type ComposedConfig,
  composeConfig,
  composeOnly,
  resolveOptions,
} from '../../compose-config.ts';
import { flattenConfig } from '../../flatten.ts';
import { asOurs, type Problem, throwProblems } from '../../problems.ts';
import type { Reads } from '../../schema/read-when.ts';
import { findUnread } from '../../unread.ts';
import type { Invocation } from '../arguments.ts';
import type { Command } from '../command.ts';
import { logTime } from '../job-log.ts';

export interface SweepRequest<C> {
  command: Command<C>;
  options: ComposeConfigOptions<C>;
  invocation: Invocation;
  now: Date;
}

/** A job that has not run yet. */
export interface PlannedJob<C> {
  number: number;
  /** Of the task only. */
  overrides: string[];
  args: string[];
  runDir: string;
  outputSubdir: string | null;
  composed: ComposedConfig<C>;
}

/** What the jobs of a sweep have in common. */
export interface SweepFrame<C> {
  request: SweepRequest<C>;
  /** The command line without its sweeps. */
  master: Composition;
  settings: HydraSettings;
  sweepDir: string;
}

export function openFrame<C>(request: SweepRequest<C>): SweepFrame<C> {
  const master = composeOnly(request.options, 'multirun');
  throwProblems(master.problems.map(asOurs));
  const settings = settingsOf(master, request.options);
  return { request, master, settings, sweepDir: path.resolve(settings.text('sweep.dir') ?? 'multirun') };
}

/** A line of the sweep itself. */
export function say(message: string): void {
  print(`[${logTime(new Date())}][HYDRA] ${message}`);
}

function settingsOf<C>(composition: Composition, options: ComposeConfigOptions<C>): HydraSettings {
  return readSettings(composition, resolveOptions(composition, options));
}

/** Composes and validates every job before the first one starts, so that a slip does not show hours later. */
export function planJobs<C>(lists: readonly string[][], frame: SweepFrame<C>): PlannedJob<C>[] {
  const problems: Problem[] = [];
  const jobs = lists.flatMap((overrides, number) => {
    try {
      return [planJob({ number, overrides }, frame)];
    } catch (error) {
      if (!(error instanceof CrosscheckError)) throw error;
      problems.push({ code: error.code, message: `job #${number} (${overrides.join(' ')}): ${error.message}` });
      return [];
    }
  });
  throwProblems(problems);
  throwProblems(unreadEverywhere(jobs, frame.request.command.reads));
  return jobs;
}

/** What no job reads; a key that only some of them read is fine. */
function unreadEverywhere<C>(jobs: readonly PlannedJob<C>[], reads: Reads<C> | undefined): Problem[] {
  const [first, ...others] = jobs.map((job) => unreadOf(job, reads));
  return [...(first ?? [])].filter(([key]) => others.every((unread) => unread.has(key))).map(([, problem]) => problem);
}

const unreadOf = <C>({ composed }: PlannedJob<C>, reads: Reads<C> | undefined) =>
  findUnread({ config: composed.config, origins: composed.origins, raw: composed.composition.config, reads });

/** Jobs that differ only in what they do not read are the same run. @returns their numbers, those of one run together */
export function equalJobs<C>(jobs: readonly PlannedJob<C>[], reads: Reads<C> | undefined): number[][] {
  const told = (job: PlannedJob<C>) => {
    const unread = unreadOf(job, reads);
    return JSON.stringify(Object.entries(flattenConfig(job.composed.config)).filter(([key]) => !unread.has(key)));
  };
  const groups = Map.groupBy(jobs, told);
  return [...groups.values()].filter(({ length }) => length > 1).map((group) => group.map(({ number }) => number));
}

export function planJob<C>(
  { number, overrides }: { number: number; overrides: string[] },
  { request: { options, invocation }, master, sweepDir }: SweepFrame<C>,
): PlannedJob<C> {
  const all = [...master.overrides.filter(isHydraOverride).map(({ input }) => input), ...overrides];
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

const folderOf = <C>({ composed }: PlannedJob<C>, key: string) => flattenConfig(composed.config)[key];

/** True when jobs would write over each other: the folder was typed, and two of them have the same. */
export function sharesFolder<C>(jobs: readonly PlannedJob<C>[], key: string | undefined): key is string {
  if (key === undefined || jobs.length < 2) return false;
  const isTyped = jobs.some(({ composed }) => composed.origins[key]?.startsWith('override '));
  return isTyped && new Set(jobs.map((job) => folderOf(job, key))).size < jobs.length;
}

/** The job with a folder of its own, named by its number, below the one that it would share. */
export function withOwnFolder<C>(job: PlannedJob<C>, key: string): PlannedJob<C> {
  const own = path.join(String(folderOf(job, key)), String(job.number));
  const isOther = (arg: string) => arg.replace(/^\+{0,2}|=.*$/gs, '') !== key;
  return { ...job, args: [...job.args.filter(isOther), `${key}=${formatElement(fromPlain(own), 'written')}`] };
}

export const describeOwnFolders = (key: string, folder: string | undefined) =>
  `jobs would write over each other in ${key}=${folder}: each gets a folder of its own there, named by its number`;
