import { readFileSync } from 'node:fs';
import path from 'node:path';
import { hideSecrets, stopSignal } from '@crosscheck/contract';
import type { SweepJob } from '../command.ts';
import { type JobRecord, recordFile } from '../run-job.ts';
import { gpuEnvironment, visibleGpus } from './gpus.ts';
import { sweepJobVariable } from './job-variable.ts';
import { launch } from './launch.ts';
import { type PlannedJob, say } from './plan.ts';
import type { ReportEpoch } from './trial-link.ts';

export interface JobRun {
  /** Which of the jobs that run at the same time it is. */
  slot: number;
  slots: number;
  /** Overrides in which it differs from the others. */
  name: string;
  /** The moment that `${now:…}` prints. */
  now: Date;
  env: Record<string, string>;
  /** Answers what a trial of a search reports. */
  onReport?: ReportEpoch;
}

/** Runs a job as its own process, with its own GPU when there are several. */
export async function runOne<C>(
  job: PlannedJob<C>,
  { slot, slots, name, now, env, onReport }: JobRun,
): Promise<SweepJob> {
  const { number, overrides, runDir, args } = job;
  say(`\t#${number} : ${overrides.join(' ')}`);
  const start = performance.now();
  const swept = hideSecrets(name);
  const reports = onReport !== undefined;
  const place = { runDir, jobNumber: number, swept, reports, now: now.toISOString() };
  const code = await launch({
    args,
    env: { ...env, ...gpuEnvironment(slot, slots, visibleGpus()), [sweepJobVariable]: JSON.stringify(place) },
    onReport,
    prefix: slots > 1 ? `${`#${number} ${swept}`.trimEnd()} | ` : null,
  });
  const seconds = (performance.now() - start) / 1000;
  const ending = endingOf(code, readRecord(job));
  if (ending.error !== null) say(`\t#${number} ${ending.status}: ${ending.error.split('\n')[0]}`);
  return { number, overrides, runDir, seconds, ...ending };
}

type Ending = Pick<SweepJob, 'status' | 'metrics' | 'code' | 'error' | 'checkpoint' | 'next'>;

/** How a job ended, by its exit code and the record that it left; one that left none says it by its exit code alone. */
function endingOf(exitCode: number | null, record: JobRecord | null): Ending {
  const metrics = record?.metrics ?? {};
  if (exitCode === 0 && record !== null && hasEnded(record))
    return { ...madeBy(record), metrics, code: null, error: null };
  const ended = exitCode === null ? 'it was ended by a signal' : `it ended with exit code ${exitCode}`;
  const { code, message } = record?.error ?? { code: null, message: ended };
  // A signal may come before a job can say anything.
  const wasStopped = record?.status === 'interrupted' || (record === null && stopSignal() !== null);
  return { status: wasStopped ? 'interrupted' : 'failed', metrics, code, error: message };
}

const hasEnded = (record: JobRecord): record is JobRecord & { status: 'finished' | 'pruned' } =>
  record.status === 'finished' || record.status === 'pruned';

function madeBy({ status, checkpoint, next }: JobRecord & { status: 'finished' | 'pruned' }) {
  return { status, ...(checkpoint !== undefined && { checkpoint }), ...(next && { next }) };
}

export function skipped<C>({ number, overrides, runDir }: PlannedJob<C>): SweepJob {
  return { number, overrides, runDir, status: 'skipped', metrics: {}, seconds: 0, code: null, error: null };
}

function readRecord<C>({ runDir, outputSubdir }: PlannedJob<C>): JobRecord | null {
  try {
    return JSON.parse(readFileSync(path.join(runDir, outputSubdir ?? '', recordFile), 'utf8')) as JobRecord;
  } catch {
    return null;
  }
}
