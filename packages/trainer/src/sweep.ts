import type { OpenSweep, SweepJob, SweepStart, TrainConfig } from '@crosscheck/config';
import { isLowerBetter } from './consumers/early-stopping.ts';
import { openStore, sourceTags } from './tracking.ts';

/** Opens an MLflow run that the runs of a sweep's jobs are nested under; it ends with the best job's metrics. */
export async function openSweep({ config, sweepDir, jobs }: SweepStart<TrainConfig>): Promise<OpenSweep> {
  const { enabled, tracking_uri: uri, experiment_name: name, run_name } = config.mlflow;
  if (!enabled || uri === null) return {};
  const store = await openStore(uri);
  try {
    const { experimentId } = await store.getOrCreateExperiment({ name });
    const runName = `sweep_${run_name ?? config.training.version}`;
    const { runId } = await store.createRun({ experimentId, runName, tags: sourceTags() });
    await store.logBatch(runId, { params: { jobs: jobs.length, sweep_dir: sweepDir }, tags: { stage: 'sweep' } });
    const metric = config.training.early_stopping.metric;
    return {
      env: { CROSSCHECK_PARENT_RUN: runId },
      async close(done) {
        const best = bestJob(done, metric);
        if (best) {
          const metrics = Object.entries(best.metrics).map(([key, value]) => ({ key: key.replace('/', '_'), value }));
          await store.logBatch(runId, { metrics, params: { best_job: best.overrides.join(' ') } });
        }
        await store.endRun(runId, done.some(({ status }) => status === 'failed') ? 'FAILED' : 'FINISHED');
        store.close();
      },
    };
  } catch (error) {
    store.close();
    throw error;
  }
}

function bestJob(jobs: readonly SweepJob[], metric: string): SweepJob | undefined {
  const sign = isLowerBetter(metric) ? -1 : 1;
  const score = ({ metrics }: SweepJob) => sign * (metrics[metric] ?? Number.NEGATIVE_INFINITY);
  const finished = jobs.filter(({ status, metrics }) => status === 'finished' && metric in metrics);
  return finished.toSorted((a, b) => score(b) - score(a))[0];
}
