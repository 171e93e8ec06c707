import type { RunLogger } from 'mlflow-js-client';
import type { Consumer, EpochMetrics } from '../events.ts';

/** The original's metric names: `train/loss` → `train_loss`. MLflow's users have dashboards on them. */
function originalNames(metrics: EpochMetrics): EpochMetrics {
  return Object.fromEntries(Object.entries(metrics).map(([key, value]) => [key.replace('/', '_'), value]));
}

/**
 * Logs a run to MLflow in the background: epochs under the original's names with its step (epochs from 0), steps as `train/…_step`.
 * Nothing here waits for the network or throws; see RunLogger.
 */
export function trackRun(logger: Pick<RunLogger, 'logMetrics'>, options: { logEverySteps: number }): Consumer {
  return {
    on(event) {
      if (event.kind === 'step' && event.position.step % options.logEverySteps === 0) {
        const { loss, learningRate, gradientNorm, batchSize, stepSeconds } = event;
        const step = {
          'train/loss_step': loss,
          'train/learning_rate': learningRate,
          'train/gradient_norm': gradientNorm,
          'train/samples_per_second': batchSize / stepSeconds,
        };
        logger.logMetrics(step, event.position.step);
      }
      if (event.kind === 'epoch') logger.logMetrics(originalNames(event.metrics), event.position.totalEpochs - 1);
    },
  };
}
