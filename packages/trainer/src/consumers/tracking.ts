import type { RunLogger, TrackingStore } from 'mlflow-js-client';
import type { Consumer, EpochMetrics, StepEvent } from '../events.ts';

/** The original's metric names: `train/loss` → `train_loss`. MLflow's users have dashboards on them. */
function originalNames(metrics: EpochMetrics): EpochMetrics {
  return Object.fromEntries(Object.entries(metrics).map(([key, value]) => [key.replace('/', '_'), value]));
}

/** How far a run has been logged: its last step, and its last epoch counted from 0; −1 for none. */
export interface Logged {
  step: number;
  epoch: number;
}

export const nothingLogged: Logged = { step: -1, epoch: -1 };

/** Asks the store how far an interrupted run came: what it did after its last saved state is done, but not logged, again. */
export async function readLogged(store: Pick<TrackingStore, 'getMetricHistory'>, runId: string): Promise<Logged> {
  const lastOf = async (key: string) =>
    (await store.getMetricHistory(runId, key)).reduce((last, { step }) => Math.max(last, step), -1);
  const [step, epoch] = await Promise.all([lastOf('train/loss_step'), lastOf('val_loss')]);
  return { step, epoch };
}

export interface TrackOptions {
  logEverySteps: number;
  /** What lies before is not logged once more. */
  logged: Logged;
}

/**
 * Logs a run to MLflow in the background: epochs under the original's names with its step (epochs from 0), steps as `train/…_step`.
 * Nothing here waits for the network or throws; see RunLogger.
 */
export function trackRun(logger: Pick<RunLogger, 'logMetrics'>, { logEverySteps, logged }: TrackOptions): Consumer {
  return {
    on(event) {
      if (event.kind !== 'step' && event.kind !== 'epoch') return;
      const { step, totalEpochs } = event.position;
      if (event.kind === 'step' && step % logEverySteps === 0 && step > logged.step)
        logger.logMetrics(stepMetrics(event), step);
      if (event.kind === 'epoch' && totalEpochs - 1 > logged.epoch)
        logger.logMetrics(originalNames(event.metrics), totalEpochs - 1);
    },
  };
}

const stepMetrics = ({ loss, learningRate, gradientNorm, batchSize, stepSeconds }: StepEvent) => ({
  'train/loss_step': loss,
  'train/learning_rate': learningRate,
  'train/gradient_norm': gradientNorm,
  'train/samples_per_second': batchSize / stepSeconds,
});
