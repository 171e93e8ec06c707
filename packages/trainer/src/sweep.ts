import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenSweep, SweepJob, SweepStart, TrainConfig } from '@crosscheck/config';
import { RunLogger, type RunStatus } from 'mlflow-js-client';
import { describeUnsent, openStore, sourceTags, trainingExperiment } from './tracker/tracking.ts';

const [startLimitMs, closeLimitMs] = [5_000, 60_000];

/** Opens an MLflow run that the runs of a sweep's jobs are nested under; it ends with the best job's metrics and the summary. */
export async function openSweep({ config, sweepDir, jobs, metric, say }: SweepStart<TrainConfig>): Promise<OpenSweep> {
  const { enabled, tracking_uri: uri, experiment_name: name, run_name } = config.mlflow;
  if (!enabled || uri === null) return {};
  const store = await openStore(uri);
  const logger = new RunLogger({
    store,
    experiment: trainingExperiment(name),
    run: { runName: `sweep_${run_name ?? config.training.version}`, tags: sourceTags() },
    spoolFolder: sweepDir,
    onProblem: (message) => say(`mlflow: ${message}`),
  });
  await Promise.race([logger.ready, sleep(startLimitMs, undefined, { ref: false })]);
  logger.logParams({ jobs: jobs.length, sweep_dir: sweepDir, ...sweptKeys(jobs) });
  logger.setTags({ stage: 'sweep' });
  return {
    ...(logger.runId === null ? {} : { env: { CROSSCHECK_PARENT_RUN: logger.runId } }),
    async close(sorted) {
      logBest(logger, sorted[0], metric);
      logger.logArtifact(path.join(sweepDir, 'summary.json'), 'summary.json');
      const summary = await logger.close({ status: statusOf(sorted), timeoutMs: closeLimitMs });
      for (const line of describeUnsent(summary, sweepDir)) say(line);
      store.close();
    },
  };
}

/** The keys that differ between jobs, each with its values: `training.seed` → `1, 2`. */
function sweptKeys(jobs: SweepStart<TrainConfig>['jobs']): Record<string, string> {
  const values = new Map<string, Set<string>>();
  for (const override of jobs.flatMap(({ overrides }) => overrides)) {
    const [, key, value] = /^\+{0,2}([^=~]+)=(.*)$/s.exec(override) ?? [];
    if (key !== undefined && value !== undefined) values.set(key, (values.get(key) ?? new Set()).add(value));
  }
  const swept = [...values].filter(([, { size }]) => size > 1);
  return Object.fromEntries(swept.map(([key, set]) => [key, [...set].join(', ')]));
}

function logBest(logger: RunLogger, best: SweepJob | undefined, metric: string | null): void {
  if (best?.status !== 'finished' || metric === null || !(metric in best.metrics)) return;
  const metrics = Object.entries(best.metrics).map(([key, value]) => [key.replace('/', '_'), value] as const);
  logger.logMetrics(Object.fromEntries(metrics), 0);
  logger.logParams({ best_job: best.number, best_overrides: best.overrides.join(' ') });
}

/** As the exit code of the command: whoever looks at the parent alone must see that a job is missing. */
function statusOf(jobs: readonly SweepJob[]): RunStatus {
  const has = (status: SweepJob['status']) => jobs.some((job) => job.status === status);
  if (has('skipped') || has('interrupted')) return 'KILLED';
  return has('failed') ? 'FAILED' : 'FINISHED';
}
