import type { Architecture, Batch } from '@crosscheck/contract';
import type { Checkpoint } from '@crosscheck/model/weights';

/** The network as the trainer computes it. */
export interface TrainerNetwork {
  /** Logits in evaluation, one per post. */
  predict(batch: Batch): Float32Array;
  close(): void;
}

const noDropout = { fusion: 0, projection: 0, text: 0, attention: 0, stochasticDepth: 0 };

/** TensorFlow is opened only here, so that reading an artifact or a config never loads it. */
export async function openTrainerNetwork(checkpoint: Checkpoint, architecture: Architecture): Promise<TrainerNetwork> {
  const { createModel, loadWeights } = await import('@crosscheck/model');
  const model = createModel({ architecture, dropout: noDropout, batchNormMomentum: 0.1, seed: 0 });
  await loadWeights(model, checkpoint);
  return { predict: (batch) => model.predictLogits(batch), close: () => model.dispose() };
}
