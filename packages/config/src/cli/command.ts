import type { Drawn, SearchSpace } from '@crosscheck/hydra';
import type { z } from 'zod';
import type { Reads } from '../schema/read-when.ts';
import type { SearchSettings } from './sweep/search-settings.ts';
import type { ReportEpoch } from './sweep/trial-link.ts';

/** What a job reports; a sweep's summary shows it. */
export interface JobResult {
  metrics?: Record<string, number>;
  /** The file that came of it, and the commands that go on with it. */
  checkpoint?: string;
  next?: string[];
  /** The folder of an earlier run that this one went on in; how it ended is said there, too. */
  continued?: string;
  /** The search that it is a trial of ended it early. */
  pruned?: boolean;
}

/** What an entry point gets when it starts. */
export interface Run<C> {
  /** Validated, resolved, frozen; keys as in the YAML. */
  config: C;
  /** The same as a plain object, for metadata and MLflow params. */
  resolved: unknown;
  /** Dotted key → `configs/training/default.yaml:16`, or `override training.learning_rate=1e-3`. */
  origins: Record<string, string>;
  /** The overrides of this job, without those of the hydra block. */
  overrides: string[];
  /** Absolute; made, with `.hydra/{config,hydra,overrides}.yaml` in it. */
  runDir: string;
  jobName: string;
  /** Position in a sweep; null outside. */
  jobNumber: number | null;
  /** Overrides in which this job differs from others of its sweep; null outside. */
  swept: string | null;
  /** The MLflow run that this one belongs under (`CROSSCHECK_PARENT_RUN`). */
  parentRun: string | null;
  /** Tells the search that this run is a trial of about an epoch; absent outside. */
  reportEpoch?: ReportEpoch;
  /** Writes a line to the run's log, and to the terminal when `hydra.job_logging` says so. */
  log(message: string): void;
  /** The same on stderr. */
  warn(message: string): void;
}

/** One job of a sweep after it ended. */
export interface SweepJob {
  number: number;
  overrides: string[];
  runDir: string;
  status: 'finished' | 'pruned' | 'failed' | 'interrupted' | 'skipped';
  metrics: Record<string, number>;
  seconds: number;
  /** Code of the error; null for one without. */
  code: string | null;
  error: string | null;
  /** The file that came of it, and the commands that go on with it. */
  checkpoint?: string;
  next?: string[];
}

export interface SweepStart<C> {
  /** The config of the first job. */
  config: C;
  sweepDir: string;
  jobs: { number: number; overrides: string[] }[];
  /** What the summary is sorted by. */
  metric: string | null;
  /** Writes a line to the terminal. */
  say: (message: string) => void;
}

export interface OpenSweep {
  /** Environment of every job, as `{ CROSSCHECK_PARENT_RUN: id }`. */
  env?: Record<string, string>;
  /** Called when `summary.json` stands in the sweep's folder; the jobs come best first. */
  close?(jobs: SweepJob[]): Promise<void>;
}

/** A search for the settings that make some metrics smallest or largest. */
export interface SearchStart<C> {
  /** The config of a trial: only what no trial changes can be relied on. */
  config: C;
  sweepDir: string;
  settings: SearchSettings;
  space: SearchSpace;
  /** One for each direction. */
  metrics: string[];
  directions: ('minimize' | 'maximize')[];
  /** Trials at the same time. */
  parallel: number;
  /** Composes a trial, checks it, and runs it as its own process. */
  runTrial(trial: TrialRun): Promise<SweepJob>;
  say: (message: string) => void;
}

export interface TrialRun {
  number: number;
  drawn: Record<string, Drawn>;
  /** Which of the trials at the same time it is. */
  slot: number;
  name: string;
  env: Record<string, string>;
  onReport: ReportEpoch;
}

/** One entry point: its config and what it does. */
export interface Command<C> {
  name: string;
  summary: string;
  /** Primary config, `config` or `config_inference`. */
  configName: string;
  schema: z.ZodType<C>;
  /** Keys that it reads only sometimes: overrides of those that it does not read are refused. */
  reads?: Reads<C>;
  /** The config of an earlier run that the overrides continue: names that only it has, such as those of phases, can be overridden. */
  stored?(overrides: readonly string[]): Promise<unknown>;
  /** Loads the heavy part itself: `async (run) => (await import('./train.ts')).train(run)`. */
  main(run: Run<C>): Promise<JobResult | void>;
  version?: string;
  /** `'own'`: it answers signals itself, as a service does. @default 'stop' */
  signals?: 'stop' | 'own';
  /** Several of its processes may have one run folder: a service beside the one that it replaces, workers that share the work. @default false */
  sharesRunFolder?: boolean;
  /** Whether this process is one of several that do a run together, and another one keeps the run's folder. */
  follows?(config: C): boolean;
  /** How long it may take to end by itself after a signal. @default 10,000 */
  patienceMs?: number;
  /** Called before the first job of a sweep: the place to open a parent run. */
  openSweep?(start: SweepStart<C>): Promise<OpenSweep>;
  /** Called instead of a list of jobs where `hydra/sweeper=optuna` samples them. @returns the exit code */
  search?(start: SearchStart<C>): Promise<number>;
  /** What a search minimizes or maximizes, unless `hydra.sweeper.metric` names another. */
  objectives?: Record<'minimize' | 'maximize', string>;
  /** Metric that a sweep's summary is sorted by, unless `hydra.sweeper.metric` names another. */
  sweepMetric?: string;
  /** Key of a folder outside run folders: jobs of a sweep that would share it get one of their own in it. */
  ownFolder?: string;
  /** The metrics that its jobs can report; a sweep by another one is refused. */
  metrics?: readonly string[];
}
