import path from 'node:path';
import type { OpenSweep, SweepJob, SweepStart, TrainConfig } from '@crosscheck/config';
import type { RunLogger, RunStatus } from 'mlflow-js-client';
import { flatNames, openParent } from './parent-run.ts';

/** Opens an MLflow run that the runs of a sweep's jobs are nested under; it ends with the best job's metrics and the summary. */
export async function openSweep({ config, sweepDir, jobs, metric, say }: SweepStart<TrainConfig>): Promise<OpenSweep> {
  const parent = await openParent(config, { stage: 'sweep', folder: sweepDir, say });
  if (parent === null) return {};
  const { logger, env } = parent;
  logger.logParams({ jobs: jobs.length, sweep_dir: sweepDir, ...sweptKeys(jobs) });
  return {
    env,
    async close(sorted) {
      logBest(logger, sorted[0], metric);
      logger.logArtifact(path.join(sweepDir, 'summary.json'), 'summary.json');
      await parent.close(statusOf(sorted));
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
  logger.logMetrics(flatNames(best.metrics), 0);
  logger.logParams({ best_job: best.number, best_overrides: best.overrides.join(' ') });
}

/** As the exit code of the command: whoever looks at the parent alone must see that a job is missing. */
function statusOf(jobs: readonly SweepJob[]): RunStatus {
  const has = (status: SweepJob['status']) => jobs.some((job) => job.status === status);
  if (has('skipped') || has('interrupted')) return 'KILLED';
  return has('failed') ? 'FAILED' : 'FINISHED';
}
