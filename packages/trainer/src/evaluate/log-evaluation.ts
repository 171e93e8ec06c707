import path from 'node:path';
import type { Run, TrainConfig } from '@crosscheck/config';
import { hideInValue, isCrosscheckError, messageOf } from '@crosscheck/contract';
import { metricNames } from '@crosscheck/evaluation';
import { RunLogger, type TrackingStore } from 'mlflow-js-client';
import { predictionsFile } from '../predictions/file-names.ts';
import { ablationMetrics, differenceMetrics } from '../report/metric-names.ts';
import { syncCommand } from '../tracker/mlflow-sync.ts';
import { isMissing, openStore, trainingExperiment } from '../tracker/tracking.ts';
import type { EvaluationResult } from './evaluate-split.ts';

const closeLimitMs = 60_000;

/**
 * Adds metrics (`eval_<split>/accuracy`, …), results and page to the MLflow run that trained the checkpoint, which stays ended as it is. What goes
 * wrong here costs a line: the evaluation is done, and stands in its folder.
 */
export async function logEvaluation(
  run: Run<TrainConfig>,
  result: EvaluationResult,
  files: readonly string[],
): Promise<void> {
  const { mlflow, evaluation } = run.config;
  if (!mlflow.enabled || !evaluation.log_to_mlflow || mlflow.tracking_uri === null) return;
  const { runId } = result.trained;
  if (runId === null)
    return run.log(
      'mlflow: not logged, because the checkpoint names no run (it was trained with mlflow.enabled=false)',
    );
  try {
    const store = await openStore(mlflow.tracking_uri);
    try {
      await addTo(store, runId, { run, result, files });
    } finally {
      store.close();
    }
  } catch (error) {
    const code = isCrosscheckError(error) ? `${error.code}: ` : '';
    run.warn(`mlflow: the evaluation was not logged: ${code}${messageOf(error)}`);
  }
}

interface Found {
  run: Run<TrainConfig>;
  result: EvaluationResult;
  files: readonly string[];
}

async function addTo(store: TrackingStore, runId: string, { run, result, files }: Found): Promise<void> {
  const { experiment_name, tracking_uri } = run.config.mlflow;
  if (await isMissing(store, runId)) {
    return run.warn(
      `mlflow: not logged, because the run ${runId} that trained the checkpoint is not in mlflow.tracking_uri=${hideInValue(tracking_uri ?? '')}; ` +
        'name the store that it is in, or evaluation.log_to_mlflow=false',
    );
  }
  const logger = new RunLogger({
    store,
    experiment: trainingExperiment(experiment_name),
    runId,
    leavesStatus: true,
    spoolFolder: run.runDir,
    onProblem: (message) => run.warn(`mlflow: ${message}`),
  });
  logger.logMetrics(metricsOf(result));
  if (result.comparison) logger.setTags({ [`crosscheck.eval_${result.split}.compared_with`]: result.comparison.model });
  for (const file of files.filter((name) => path.basename(name) !== predictionsFile))
    logger.logArtifact(file, `evaluation/${result.split}/${path.basename(file)}`);
  const { isComplete, refused } = await logger.close({ timeoutMs: closeLimitMs });
  if (!isComplete)
    return run.warn(`mlflow: not everything was sent; when it answers again, run: ${syncCommand(run.runDir)}`);
  if (refused === 0) run.log(`mlflow: added to run ${runId}`);
}

/** Every metric, what the ablations change, and the differences to another model, each with its interval. */
function metricsOf({ split, metrics, ablations, comparison }: EvaluationResult): Record<string, number> {
  const name = `eval_${split}`;
  const measured = Object.entries(metrics).filter(([, { value }]) => Number.isFinite(value));
  const differences = metricNames.map((metric) => {
    const { difference } = comparison?.metrics[metric] ?? {};
    const p = metric === 'accuracy' ? comparison?.pairs?.pValue : undefined;
    return difference ? differenceMetrics(`${name}/difference/${metric}`, difference, p) : {};
  });
  return {
    ...Object.fromEntries(measured.map(([metric, { value }]) => [`${name}/${metric}`, value])),
    ...(ablations && ablationMetrics(name, ablations)),
    ...Object.assign({}, ...differences),
  } as Record<string, number>;
}
