import { rm } from 'node:fs/promises';
import path from 'node:path';
import { artifactFiles, isInterruption, messageOf, onnxNames } from '@crosscheck/contract';
import type { TensorSpec } from 'mlflow-js-client';
import type { Best } from '../consumers/checkpoints.ts';
import type { OpenRun } from './open-run.ts';

/** Name of the logged model: `runs:/<run id>/onnx`. The run's artifact folder `model` holds the checkpoint, as the original's does. */
const modelName = 'onnx';

/**
 * Exports the best checkpoint, whose weights the model has by now, and hands it to MLflow as an ONNX model. What goes wrong here costs a line, never the run.
 *
 * @returns what to do once everything is sent: the exported files go then
 */
export async function logModel(
  { config, model, runDir, tracking, say }: OpenRun,
  best: Best,
): Promise<() => Promise<void>> {
  const { log_model, registered_model_name, registered_model_alias } = config.mlflow;
  const outputDir = path.join(runDir, 'exported');
  if (!tracking.isTracked || !log_model) return async () => undefined;
  try {
    const { exportArtifact } = await import('@crosscheck/exporter');
    await exportArtifact({ checkpoint: best.path, trained: model, outputDir });
    const inFolder = (name: string) => path.join(outputDir, name);
    tracking.logger.logOnnxModel({
      name: modelName,
      onnxPath: inFolder(artifactFiles.onnx),
      externalData: [inFolder(artifactFiles.onnxData)],
      extraFiles: [artifactFiles.manifest, artifactFiles.tokenizer, artifactFiles.preprocessor].map(inFolder),
      ...signatureOf(config.data.image_size),
      metrics: { [config.training.early_stopping.metric]: best.value },
      ...(registered_model_name === null ? {} : { registeredName: registered_model_name }),
      ...(registered_model_alias === null ? {} : { aliases: [registered_model_alias] }),
    });
  } catch (error) {
    if (isInterruption(error)) throw error;
    say(`mlflow: the ONNX model was not logged: ${messageOf(error)}`);
  }
  return () => rm(outputDir, { recursive: true, force: true });
}

/** Inputs and outputs as MLflow's signature has them; -1 is any size: B posts, L tokens. */
function signatureOf(imageSize: number): { inputs: TensorSpec[]; outputs: TensorSpec[] } {
  return {
    inputs: [
      { name: onnxNames.image, dtype: 'float32', shape: [-1, 3, imageSize, imageSize] },
      { name: onnxNames.inputIds, dtype: 'int64', shape: [-1, -1] },
      { name: onnxNames.attentionMask, dtype: 'int64', shape: [-1, -1] },
    ],
    outputs: [{ name: onnxNames.logits, dtype: 'float32', shape: [-1, 1] }],
  };
}
