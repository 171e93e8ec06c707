import { appendFileSync } from 'node:fs';
import path from 'node:path';
import type { Consumer, EpochEvent, StepEvent } from '../events.ts';

export const metricsFileName = 'metrics.jsonl';

const stepLine = (e: StepEvent) => ({
  step: e.position.step,
  phase: e.phase.name,
  'train/loss_step': e.loss,
  'train/learning_rate': e.learningRate,
  'train/gradient_norm': e.gradientNorm,
  'train/step_seconds': e.stepSeconds,
  'train/data_seconds': e.dataSeconds,
  'train/batch_size': e.batchSize,
});

const epochLine = (e: EpochEvent) => ({
  epoch: e.position.totalEpochs,
  step: e.position.step,
  phase: e.phase.name,
  seconds: e.seconds,
  ...e.metrics,
});

/** Appends one JSON line per step and per epoch to `metrics.jsonl` in the run folder. */
export function writeMetricsFile(runDir: string): Consumer {
  const file = path.join(runDir, metricsFileName);
  const append = (line: object) => appendFileSync(file, `${JSON.stringify(line)}\n`);
  return {
    on(event) {
      if (event.kind === 'step') append(stepLine(event));
      if (event.kind === 'epoch') append(epochLine(event));
    },
  };
}
