import path from 'node:path';
import { type CheckpointMetadata, CrosscheckError } from '@crosscheck/contract';
import { type Model, modelTensors } from '@crosscheck/engine';
import { isBetterEpoch } from '@crosscheck/evaluation';
import { type TensorToWrite, writeCheckpoint } from '@crosscheck/weights';
import type { NotFinite } from '../loop/diverged.ts';
import type { Consumer, EpochEvent } from '../loop/events.ts';

/** The best epoch so far. */
export interface Best {
  value: number;
  /** Of validation; it decides between epochs of the same value. */
  loss: number | null;
  epoch: number;
  path: string;
}

export interface CheckpointOptions {
  model: Model;
  /** Folder of checkpoints. */
  dir: string;
  version: string;
  /** Validation metric that decides which epoch is the best; of equal ones, the one with the lower validation loss. */
  metric: string;
  /** Also keep a checkpoint every so many epochs; 0 = only the best. */
  saveFrequency: number;
  /** The best of an earlier part of this run. */
  best: Best | null;
  describe: (event: EpochEvent) => CheckpointMetadata;
  /** The error of weights that are not finite, which are never written. */
  diverged: (what: NotFinite, event: EpochEvent) => CrosscheckError;
  /** False for a worker that only has to know which epoch is the best. */
  writes: boolean;
}

export interface CheckpointWriter extends Consumer {
  readonly best: Best | null;
}

/** Name of the best checkpoint of a version, as in the original but for its suffix. */
export const bestModelName = (version: string) => `best_model_${version}.safetensors`;

/** Keeps `best_model_<version>.safetensors`, and every so many epochs `model_<version>_epoch_<n>.safetensors`. */
export function keepCheckpoints(options: CheckpointOptions): CheckpointWriter {
  const { model, dir, version, metric, saveFrequency, describe, diverged, writes } = options;
  let { best } = options;
  const write = async (event: EpochEvent, name: string) => {
    const file = path.resolve(dir, name);
    if (!writes) return file;
    const fail = (what: NotFinite) => diverged(what, event);
    const tensors = modelTensors(model).map((tensor) => onlyFinite(tensor, fail));
    await writeCheckpoint(file, { tensors, metadata: describe(event) });
    return file;
  };
  return {
    get best() {
      return best;
    },
    async on(event) {
      if (event.kind !== 'epoch') return;
      const { metrics, position } = event;
      const value = metrics[metric];
      if (value === undefined) throw notMeasured(metric, event);
      if (
        best === null ||
        isBetterEpoch(metric, metrics, { [metric]: best.value, 'val/loss': best.loss ?? Number.NaN })
      ) {
        const file = await write(event, bestModelName(version));
        best = { value, loss: metrics['val/loss'] ?? null, epoch: position.totalEpochs, path: file };
      }
      if (saveFrequency > 0 && position.totalEpochs % saveFrequency === 0) {
        await write(event, `model_${version}_epoch_${String(position.totalEpochs).padStart(3, '0')}.safetensors`);
      }
    },
  };
}

/** Looks at each tensor as it is written: a file with one that is not finite never gets its name. */
function onlyFinite(tensor: TensorToWrite, fail: (what: NotFinite) => CrosscheckError): TensorToWrite {
  const data = async () => {
    const values = await (typeof tensor.data === 'function' ? tensor.data() : tensor.data);
    if (values instanceof Float32Array && !values.every(Number.isFinite))
      throw fail([`the weights of ${tensor.name}`, 'are not all finite']);
    return values;
  };
  return { ...tensor, data };
}

function notMeasured(metric: string, { metrics }: EpochEvent): CrosscheckError {
  const measured = Object.keys(metrics).filter((name) => name.startsWith('val/'));
  return new CrosscheckError(
    'CROSSCHECK_TRAINING_NO_METRIC',
    `expected validation to give training.early_stopping.metric=${metric}, which chooses the checkpoint, got ${measured.join(', ')}; ` +
      'name one of these (ROC-AUC, precision and recall need validation posts of both labels)',
  );
}
