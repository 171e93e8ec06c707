import type { Architecture, Preprocessing } from '@crosscheck/contract';
import type { Model } from '@crosscheck/engine';
import { openClassifier, openOnnxSession } from '@crosscheck/inference';
import { noDropout } from '@crosscheck/network';
import { createTokenizer } from '@crosscheck/preprocess';
import type { Checkpoint } from '@crosscheck/weights';
import { checkParity, exportedLogits, type ParityReport, trainerLogits } from './check-parity.ts';
import { encodePng } from './encode-png.ts';
import { type ParityCase, parityCases, type ServedCase, servedCases } from './samples.ts';

/** What the trained network says to the fixed samples, and how to ask the exported one. */
export interface Gate {
  /**
   * Same token ids and pixels into the ONNX file.
   *
   * @throws CROSSCHECK_EXPORT_PARITY
   */
  checkModel(modelFile: string): Promise<ParityReport>;
  /**
   * Texts and picture files into the whole folder, as the service reads it.
   *
   * @throws CROSSCHECK_EXPORT_PARITY, and what `openClassifier` throws
   */
  checkFolder(dir: string): Promise<ParityReport>;
}

type Trained = Pick<Model, 'predictLogits'>;

interface Network {
  architecture: Architecture;
  preprocessing: Preprocessing;
  tokenizerJson: string;
}

/**
 * Runs the trained network first. Where it is not open already it is opened from the checkpoint and let go, so that trained and exported
 * weights are not in memory together.
 */
export async function openGate(checkpoint: Checkpoint, network: Network, trained?: Trained): Promise<Gate> {
  const { preprocessing, architecture } = network;
  const direct = parityCases(preprocessing, architecture);
  const served = servedCases(preprocessing, architecture, createTokenizer(network.tokenizerJson, preprocessing));
  const ask = (model: Trained) =>
    trainerLogits([...direct, ...served], preprocessing, (batch) => model.predictLogits(batch));
  const logits = trained ? ask(trained) : await openAndAsk(checkpoint, architecture, ask);
  return {
    checkModel: async (modelFile) =>
      checkParity(direct, logits.slice(0, direct.length), await runModel(direct, modelFile, preprocessing)),
    checkFolder: async (dir) =>
      checkParity(served, logits.slice(direct.length), await runFolder(served, dir, preprocessing)),
  };
}

/** TensorFlow is opened only here, so that what reads or writes artifacts never loads it. */
async function openAndAsk<T>(
  checkpoint: Checkpoint,
  architecture: Architecture,
  ask: (model: Trained) => T,
): Promise<T> {
  const { createModel, loadWeights } = await import('@crosscheck/engine');
  const model = createModel({ architecture, dropout: noDropout, batchNormMomentum: 0.1, seed: 0 });
  try {
    await loadWeights(model, checkpoint);
    return ask(model);
  } finally {
    model.dispose();
  }
}

async function runModel(cases: readonly ParityCase[], modelFile: string, preprocessing: Preprocessing) {
  const session = await openOnnxSession(modelFile, { threads: 1, preprocessing });
  try {
    return await exportedLogits(cases, preprocessing, (inputs) => session.run(inputs));
  } finally {
    await session.close();
  }
}

async function runFolder(
  cases: readonly ServedCase[],
  dir: string,
  { imageSize }: Preprocessing,
): Promise<Float32Array[]> {
  const classifier = await openClassifier(dir, { workers: 1, threadsPerWorker: 1 });
  try {
    const posts = cases.map(({ text, pictures, presence }) => ({
      text,
      image: presence?.hasImage[0] === 0 ? null : encodePng(pictures[0] as Uint8Array, imageSize),
    }));
    return (await classifier.classify(posts)).map(({ logit }) => Float32Array.of(logit));
  } finally {
    await classifier.close();
  }
}
