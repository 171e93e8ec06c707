import { preprocessingOf } from '@crosscheck/config';
import { type CheckpointMetadata, labelMapSchema, withoutSecrets } from '@crosscheck/contract';
import type { EpochEvent } from '../loop/events.ts';
import type { OpenRun } from './open-run.ts';

/** What a checkpoint says about itself: enough to rebuild, evaluate, export and trace it without its run. */
export function describeCheckpoint(open: OpenRun, { metrics, position }: EpochEvent): CheckpointMetadata {
  const { config, manifests, model, tokenizer, origins, tracking } = open;
  return {
    formatVersion: 1,
    version: config.training.version,
    createdAt: new Date().toISOString(),
    labels: labelMapSchema.parse(config.data.label_map),
    preprocessing: preprocessingOf(config),
    architecture: model.architecture,
    threshold: 0.5,
    temperature: 1,
    seenRows: { train: manifests.train.rows, val: manifests.val.rows, holdout: config.calibration.holdout },
    metrics,
    tokenizer: tokenizer.json,
    config: withoutSecrets(config),
    configOrigins: origins,
    runId: tracking.runId(),
    epoch: position.totalEpochs,
    step: position.step,
  };
}
