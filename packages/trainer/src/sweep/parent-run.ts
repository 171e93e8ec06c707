import { setTimeout as sleep } from 'node:timers/promises';
import type { TrainConfig } from '@crosscheck/config';
import { RunLogger, type RunStatus } from 'mlflow-js-client';
import { describeUnsent, openStore, sourceTags, trainingExperiment } from '../tracker/tracking.ts';

const [startLimitMs, closeLimitMs] = [5_000, 60_000];

export interface ParentRun {
  /** Of every job, so that its run is nested under this one. */
  env: Record<string, string>;
  logger: RunLogger;
  close(status: RunStatus): Promise<void>;
}

export interface ParentOptions {
  /** `sweep` or `search`: begins the run's name and is its stage. */
  stage: string;
  folder: string;
  say: (message: string) => void;
}

/** Opens the MLflow run that the runs of a sweep's jobs belong under; null for one that is not tracked. */
export async function openParent(
  config: TrainConfig,
  { stage, folder, say }: ParentOptions,
): Promise<ParentRun | null> {
  const { enabled, tracking_uri: uri, experiment_name: name, run_name } = config.mlflow;
  if (!enabled || uri === null) return null;
  const store = await openStore(uri);
  const logger = new RunLogger({
    store,
    experiment: trainingExperiment(name),
    run: { runName: `${stage}_${run_name ?? config.training.version}`, tags: sourceTags() },
    spoolFolder: folder,
    onProblem: (message) => say(`mlflow: ${message}`),
  });
  await Promise.race([logger.ready, sleep(startLimitMs, undefined, { ref: false })]);
  logger.setTags({ stage });
  return {
    env: logger.runId === null ? {} : { CROSSCHECK_PARENT_RUN: logger.runId },
    logger,
    async close(status) {
      const summary = await logger.close({ status, timeoutMs: closeLimitMs });
      for (const line of describeUnsent(summary, folder)) say(line);
      store.close();
    },
  };
}

/** Metrics as params of MLflow's pages: without slashes. */
export const flatNames = (metrics: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(metrics).map(([key, value]) => [key.replace('/', '_'), value]));
