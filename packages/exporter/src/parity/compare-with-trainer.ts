import type { Architecture, Preprocessing } from '@crosscheck/contract';
import { openOnnxSession } from '@crosscheck/inference';
import type { Checkpoint } from '@crosscheck/model/weights';
import { checkParity, exportedLogits, type ParityReport, trainerLogits } from './check-parity.ts';
import { type ParityCase, parityCases } from './samples.ts';

interface Network {
  architecture: Architecture;
  preprocessing: Preprocessing;
}

/**
 * Runs the checkpoint in TensorFlow, then the exported file in onnxruntime, on the same fixed samples. One after the other, so that
 * only one of them holds the weights.
 *
 * @throws CROSSCHECK_EXPORT_PARITY
 */
export async function compareWithTrainer(
  modelFile: string,
  checkpoint: Checkpoint,
  network: Network,
): Promise<ParityReport> {
  const cases = parityCases(network.preprocessing, network.architecture);
  const trained = await runTrainer(cases, checkpoint, network);
  return checkParity(cases, trained, await runExported(cases, modelFile, network));
}

const noDropout = { fusion: 0, projection: 0, text: 0, attention: 0, stochasticDepth: 0 };

/** TensorFlow is opened only here, so that what reads or writes artifacts never loads it. */
async function runTrainer(
  cases: readonly ParityCase[],
  checkpoint: Checkpoint,
  { architecture, preprocessing }: Network,
) {
  const { createModel, loadWeights } = await import('@crosscheck/model');
  const model = createModel({ architecture, dropout: noDropout, batchNormMomentum: 0.1, seed: 0 });
  try {
    await loadWeights(model, checkpoint);
    return trainerLogits(cases, preprocessing, (batch) => model.predictLogits(batch));
  } finally {
    model.dispose();
  }
}

async function runExported(cases: readonly ParityCase[], modelFile: string, { preprocessing }: Network) {
  const session = await openOnnxSession(modelFile, { threads: 1, preprocessing });
  try {
    return await exportedLogits(cases, preprocessing, (inputs) => session.run(inputs));
  } finally {
    await session.close();
  }
}
