import { rmSync } from 'node:fs';
import path from 'node:path';
import {
  asKnownError,
  CrosscheckError,
  describeError,
  exitCodeOf,
  hideSecrets,
  interrupted,
  messageOf,
  nameKey,
  onStop,
  printError,
  settle,
  stopSignal,
  stopSignals,
  withoutSecrets,
} from '@crosscheck/contract';
import { lockFolder, makeFolder, makeTemporaryFolder, writeWhole } from '@crosscheck/files';
import {
  type Composition,
  fromPlain,
  type HydraSettings,
  isHydraOverride,
  nodeAt,
  readSettings,
} from '@crosscheck/hydra';
import { type ComposedConfig, resolveOptions } from '../compose-config.ts';
import { flattenConfig } from '../flatten.ts';
import type { Command, JobResult, Run } from './command.ts';
import { type JobLog, openJobLog } from './job-log.ts';
import { makeRunFolder, writeComposition } from './run-folder.ts';
import { type ReportEpoch, reportEpoch } from './sweep/trial-link.ts';

/** How a job ended, as it stands in `result.json` of the run folder. */
export interface JobRecord {
  status: 'finished' | 'pruned' | 'failed' | 'interrupted';
  metrics: Record<string, number>;
  seconds: number;
  error: { code: string; message: string } | null;
  checkpoint?: string;
  next?: string[];
}

export interface JobPlace {
  /** Chosen by a sweep; null = `hydra.run.dir`. */
  runDir: string | null;
  jobNumber: number | null;
  /** Overrides in which the job differs from others of its sweep; null outside. */
  swept: string | null;
  /** A search waits for reports of its epochs. @default false */
  reports?: boolean;
  now: Date;
}

export const recordFile = 'result.json';

/** Runs a command once: folder, log, main, result. @returns the exit code; undefined leaves it as the command has set it */
export async function runJob<C>(
  command: Command<C>,
  composed: ComposedConfig<C>,
  place: JobPlace,
): Promise<number | undefined> {
  const { composition } = composed;
  const settings = readSettings(composition, resolveOptions(composition, { now: place.now }));
  if (command.follows?.(composed.config)) return follow({ command, composed, place, settings });
  const runDir = place.runDir === null ? ownFolder(composition, settings) : makeRunFolder(place.runDir, false);
  // Without output_subdir nothing is kept of a run, which may stand on a read-only file system; a sweep needs its table.
  const isKept = settings.text('output_subdir') !== null || place.runDir !== null;
  const release = isKept && !command.sharesRunFolder ? await lockFolder(runDir) : () => {};
  try {
    return await runIn(runDir, { command, composed, place, settings });
  } finally {
    release();
  }
}

/** What it would keep goes with it: the process that it follows keeps the same. */
async function follow<C>(job: Job<C>): Promise<number | undefined> {
  const runDir = makeTemporaryFolder('worker');
  try {
    return await runIn(runDir, job, false);
  } finally {
    rmSync(runDir, { recursive: true, force: true });
  }
}

interface Job<C> {
  command: Command<C>;
  composed: ComposedConfig<C>;
  place: JobPlace;
  settings: HydraSettings;
}

async function runIn<C>(
  runDir: string,
  { command, composed, place, settings }: Job<C>,
  keeps = true,
): Promise<number | undefined> {
  const { composition } = composed;
  setRuntime(composition, runDir);
  const subdir = keeps ? settings.text('output_subdir') : null;
  const folder = subdir === null ? null : path.join(runDir, subdir);
  if (folder !== null) writeComposition(composition, folder);
  const jobName = settings.text('job.name') ?? command.name;
  const log = openJobLog({
    name: jobName,
    file: keeps ? logFile(settings) : null,
    console: settings.value('job_logging.console') !== false,
  });
  for (const warning of composed.warnings) log.warn(warning);
  enter(runDir, settings);
  const { jobNumber, swept, reports = false } = place;
  const run = runOf(composed, { runDir, jobName, jobNumber, swept, log, ...(reports && { reportEpoch }) });
  const recordFolder = keeps ? (folder ?? place.runDir) : null;
  const places = { ...flattenConfig(composed.config), 'hydra.run.dir': runDir };
  return keepRecord(recordFolder, () => execute(() => command.main(run), log, places));
}

interface Ending {
  record: JobRecord;
  code: number | undefined;
  /** The folder of the run that went on. */
  continued?: string | undefined;
}

/** Writes how the job ended, also when a repeated signal ends it at once. */
async function keepRecord(folder: string | null, job: () => Promise<Ending>): Promise<number | undefined> {
  const write = (record: JobRecord, place = folder) => {
    if (place !== null) writeWhole(path.join(place, recordFile), `${JSON.stringify(record, null, 2)}\n`);
  };
  const start = performance.now();
  const forget = onStop((signal, isRepeated) => {
    if (!isRepeated) return;
    const seconds = secondsSince(start);
    write({ status: 'interrupted', metrics: {}, seconds, error: recordOf(interrupted(signal)) });
  });
  try {
    const { record, code, continued } = await job();
    write(record);
    if (folder !== null && continued !== undefined) write(record, path.join(continued, path.basename(folder)));
    return code;
  } finally {
    forget();
  }
}

function ownFolder(composition: Composition, settings: HydraSettings): string {
  const written = nodeAt(composition.hydra, ['run', 'dir']);
  const isNamedByClock = written?.kind === 'scalar' && written.text.includes('${now:');
  return makeRunFolder(settings.text('run.dir') ?? 'outputs', isNamedByClock);
}

function setRuntime({ hydra }: Composition, runDir: string): void {
  const runtime = nodeAt(hydra, ['runtime']);
  if (runtime?.kind === 'map') runtime.entries.set('output_dir', fromPlain(runDir));
}

function logFile(settings: HydraSettings): string | null {
  const file = settings.text('job_logging.file');
  if (file === null) return null;
  makeFolder(path.dirname(file));
  return file;
}

/** `hydra.job.env_set` and `hydra.job.chdir`. */
function enter(runDir: string, settings: HydraSettings): void {
  const env = settings.value('job.env_set');
  if (typeof env === 'object' && env !== null) {
    for (const [name, value] of Object.entries(env)) process.env[name] = textOf(value);
  }
  if (settings.value('job.chdir') === true) process.chdir(runDir);
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

interface Identity {
  runDir: string;
  jobName: string;
  jobNumber: number | null;
  swept: string | null;
  reportEpoch?: ReportEpoch;
  log: JobLog;
}

function runOf<C>({ config, origins, composition }: ComposedConfig<C>, { log, ...identity }: Identity): Run<C> {
  return {
    ...identity,
    config,
    resolved: withoutSecrets(config),
    origins: Object.fromEntries(Object.entries(origins).map(([key, origin]) => [key, hideSecrets(origin)])),
    overrides: composition.overrides.filter((override) => !isHydraOverride(override)).map((override) => override.input),
    parentRun: process.env.CROSSCHECK_PARENT_RUN ?? null,
    log: (message) => log.info(message),
    warn: (message) => log.warn(message),
  };
}

async function execute(
  main: () => Promise<JobResult | void>,
  log: JobLog,
  places: Record<string, unknown>,
): Promise<Ending> {
  const start = performance.now();
  try {
    const { metrics = {}, checkpoint, next, continued, pruned = false } = (await settle(main)) ?? {};
    const made = { ...(checkpoint !== undefined && { checkpoint }), ...(next && { next }) };
    const signal = stopSignal();
    const seconds = secondsSince(start);
    if (signal === null)
      return {
        record: { status: pruned ? 'pruned' : 'finished', metrics, seconds, error: null, ...made },
        code: undefined,
        continued,
      };
    const error = tell(interrupted(signal), log);
    return { record: { status: 'interrupted', metrics, seconds, error }, code: stopSignals[signal], continued };
  } catch (thrown) {
    const status = stopSignal() === null ? 'failed' : 'interrupted';
    const error = tell(nameKey(asKnownError(thrown), places), log);
    return { record: { status, metrics: {}, seconds: secondsSince(start), error }, code: exitCodeOf(thrown) };
  }
}

const secondsSince = (start: number) => Math.round(performance.now() - start) / 1000;

function tell(error: unknown, log: JobLog): JobRecord['error'] {
  log.error(describeError(error));
  printError(describeError(error));
  return recordOf(error);
}

function recordOf(error: unknown): JobRecord['error'] {
  return { code: error instanceof CrosscheckError ? error.code : 'UNEXPECTED', message: hideSecrets(messageOf(error)) };
}
