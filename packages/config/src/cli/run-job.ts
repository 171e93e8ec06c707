import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CrosscheckError, hideSecrets, messageOf, withoutSecrets } from '@crosscheck/contract';
import { type ComposedConfig, resolveOptions } from '../compose-config.ts';
import type { Composition } from '../hydra/compose.ts';
import { fromPlain, nodeAt } from '../hydra/node.ts';
import { isHydraOverride } from '../hydra/override.ts';
import { type HydraSettings, readSettings } from '../hydra/settings.ts';
import type { Command, JobResult, Run } from './command.ts';
import { type JobLog, openJobLog } from './job-log.ts';
import { printError } from './output.ts';
import { makeRunFolder, writeComposition } from './run-folder.ts';

/** How a job ended, as it stands in `result.json` of the run folder. */
export interface JobRecord {
  status: 'finished' | 'failed';
  metrics: Record<string, number>;
  seconds: number;
  error: { code: string; message: string } | null;
}

export interface JobPlace {
  /** Chosen by a sweep; null = `hydra.run.dir`. */
  runDir: string | null;
  jobNumber: number | null;
  now: Date;
}

export const recordFile = 'result.json';

/** Runs a command once: folder, log, main, result. Returns false when it failed. */
export async function runJob<C>(command: Command<C>, composed: ComposedConfig<C>, place: JobPlace): Promise<boolean> {
  const { composition } = composed;
  const settings = readSettings(composition, resolveOptions(composition, { now: place.now }));
  const runDir = place.runDir === null ? ownFolder(composition, settings) : makeRunFolder(place.runDir, false);
  setRuntime(composition, runDir);
  const subdir = settings.text('output_subdir');
  const folder = subdir === null ? null : path.join(runDir, subdir);
  if (folder !== null) writeComposition(composition, folder);
  const jobName = settings.text('job.name') ?? command.name;
  const log = openJobLog({
    name: jobName,
    file: logFile(settings),
    console: settings.value('job_logging.console') !== false,
  });
  for (const warning of composed.warnings) log.warn(warning);
  enter(runDir, settings);
  const run = runOf(composed, { runDir, jobName, jobNumber: place.jobNumber, log });
  const record = await execute(() => command.main(run), log);
  // Without output_subdir nothing is kept of a run, which may stand on a read-only file system; a sweep needs its table.
  const recordFolder = folder ?? place.runDir;
  if (recordFolder !== null) writeFileSync(path.join(recordFolder, recordFile), `${JSON.stringify(record, null, 2)}\n`);
  return record.status === 'finished';
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
  mkdirSync(path.dirname(file), { recursive: true });
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

async function execute(main: () => Promise<JobResult | void>, log: JobLog): Promise<JobRecord> {
  const start = performance.now();
  const seconds = () => Math.round(performance.now() - start) / 1000;
  try {
    const result = await main();
    return { status: 'finished', metrics: result?.metrics ?? {}, seconds: seconds(), error: null };
  } catch (error) {
    const code = error instanceof CrosscheckError ? error.code : 'UNEXPECTED';
    log.error(describeError(error));
    printError(describeError(error));
    return {
      status: 'failed',
      metrics: {},
      seconds: seconds(),
      error: { code, message: hideSecrets(messageOf(error)) },
    };
  }
}

/** Code and message of an expected error; the whole stack of any other, or with HYDRA_FULL_ERROR=1. */
export function describeError(error: unknown): string {
  const isFull = process.env.HYDRA_FULL_ERROR === '1';
  if (error instanceof CrosscheckError && !isFull) return `${error.code}: ${error.message}`;
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `\ncaused by: ${error.cause.stack}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
