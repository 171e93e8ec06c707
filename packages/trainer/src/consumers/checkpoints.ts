import path from 'node:path';
import type { CheckpointMetadata } from '@crosscheck/contract';
import { type Model, modelTensors, writeCheckpoint } from '@crosscheck/model';
import type { Consumer, EpochEvent } from '../events.ts';
import { isLowerBetter } from './early-stopping.ts';

/** The best epoch so far. */
export interface Best {
  value: number;
  epoch: number;
  path: string;
}

export interface CheckpointOptions {
  model: Model;
  /** Folder of checkpoints. */
  dir: string;
  version: string;
  /** Validation metric that decides which epoch is the best, strictly. */
  metric: string;
  /** Also keep a checkpoint every so many epochs; 0 = only the best. */
  saveFrequency: number;
  /** The best of an earlier part of this run. */
  best: Best | null;
  describe: (event: EpochEvent) => CheckpointMetadata;
}

export interface CheckpointWriter extends Consumer {
  readonly best: Best | null;
}

/** Name of the best checkpoint of a version, as in the original but for its suffix. */
export const bestModelName = (version: string) => `best_model_${version}.safetensors`;

/** Keeps `best_model_<version>.safetensors`, and every so many epochs `model_<version>_epoch_<n>.safetensors`. */
export function keepCheckpoints(options: CheckpointOptions): CheckpointWriter {
  const { model, dir, version, metric, saveFrequency, describe } = options;
  let { best } = options;
  const write = async (event: EpochEvent, name: string) => {
    const file = path.resolve(dir, name);
    await writeCheckpoint(file, { tensors: modelTensors(model), metadata: describe(event) });
    return file;
  };
  const isBetter = (value: number) =>
    best === null || (isLowerBetter(metric) ? value < best.value : value > best.value);
  return {
    get best() {
      return best;
    },
    async on(event) {
      if (event.kind !== 'epoch') return;
      const { totalEpochs } = event.position;
      const value = event.metrics[metric];
      if (value !== undefined && isBetter(value)) {
        best = { value, epoch: totalEpochs, path: await write(event, bestModelName(version)) };
      }
      if (saveFrequency > 0 && totalEpochs % saveFrequency === 0) {
        await write(event, `model_${version}_epoch_${String(totalEpochs).padStart(3, '0')}.safetensors`);
      }
    },
  };
}
