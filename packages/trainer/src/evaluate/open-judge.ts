import { stat } from 'node:fs/promises';
import path from 'node:path';
import { flattenConfig, type TrainConfig } from '@crosscheck/config';
import {
  artifactFiles,
  type CheckpointMetadata,
  CrosscheckError,
  type Decision,
  isCrosscheckError,
  type Modalities,
  modalitiesOf,
  throwIfStopped,
} from '@crosscheck/contract';
import { createLoader, type Loader, type Sample } from '@crosscheck/data';
import { createModel, loadWeights } from '@crosscheck/engine';
import { applyTemperature } from '@crosscheck/evaluation';
import { type Classifier, openClassifier } from '@crosscheck/inference';
import { noDropout } from '@crosscheck/network';
import type { Tokenizer } from '@crosscheck/preprocess';
import { openCheckpoint, resolveCheckpointPath } from '@crosscheck/weights';
import { bestModelName } from '../consumers/checkpoints.ts';
import { acceptsPartialPosts, pixelCacheOf } from '../data/run-data.ts';
import { finishJudging, judgeBatches } from '../loop/judge.ts';
import { meaningOf, openDescription } from '../run/network.ts';
import { factsOfArtifact, factsOfCheckpoint, type ModelFacts } from './model-facts.ts';

/** The answers on some samples, in their order; unreadable ones are left out. N answers. */
export interface Answers {
  /** [N] as they leave the network */
  logits: Float64Array;
  /** [N] probability of FAKE, temperature applied */
  probabilities: Float64Array;
  /** [N] 0 REAL, 1 FAKE */
  labels: Float32Array;
  /** [N] position of each row in the samples */
  indices: Int32Array;
}

/** A trained model that can be asked about samples: a checkpoint in TensorFlow, or an artifact folder in ONNX Runtime. */
export interface Judge {
  source: string;
  version: string;
  facts: ModelFacts;
  decision: Decision;
  /** Dotted keys of the config that it was trained with; null where that is not known. */
  settings: Readonly<Record<string, string>> | null;
  /** Which parts a post may lack. */
  modalities: Modalities;
  judge(samples: readonly Sample[]): Promise<Answers>;
  close(): Promise<void>;
}

/** Opens `evaluation.checkpoint`, or what is named instead: a checkpoint, an artifact folder, or by default the best checkpoint of `training.version`. */
export async function openJudge(config: TrainConfig, other?: string): Promise<Judge> {
  const named = other ?? config.evaluation.checkpoint ?? bestModelName(config.training.version);
  const isFolder = (await stat(named).catch(() => null))?.isDirectory() ?? false;
  return isFolder ? openArtifactJudge(named, config) : openCheckpointJudge(named, config);
}

/** Opens a checkpoint file, by its path or its name in `training.checkpoint_dir`. */
export async function openCheckpointJudge(named: string, config: TrainConfig): Promise<Judge> {
  const source = await resolveCheckpointPath(named, config.training.checkpoint_dir);
  const checkpoint = await openCheckpoint(source, meaningOf(config));
  const { metadata, tokenizer } = await openDescription(checkpoint, config);
  const { architecture } = metadata;
  const model = createModel({ architecture, dropout: noDropout, batchNormMomentum: 0.1, seed: 0 });
  await loadWeights(model, checkpoint);
  await checkpoint.close();
  return {
    source,
    version: metadata.version,
    facts: factsOfCheckpoint(source, metadata, checkpoint.metadata === null),
    decision: metadata,
    settings: checkpoint.metadata ? flattenConfig(metadata.config) : null,
    modalities: modalitiesOf(architecture),
    async judge(samples) {
      const loader = openEvaluationLoader(config, samples, tokenizer, metadata);
      try {
        const { logits, labels, indices } = await finishJudging(judgeBatches(model, loader));
        return answersOf({ logits, labels, indices }, metadata.temperature);
      } finally {
        await loader.close();
      }
    },
    close: async () => model.dispose(),
  };
}

function answersOf(
  judged: Omit<Answers, 'logits' | 'probabilities'> & { logits: ArrayLike<number> },
  temperature: number,
): Answers {
  const logits = Float64Array.from(judged.logits);
  return { ...judged, logits, probabilities: applyTemperature(logits, temperature) };
}

function openEvaluationLoader(
  config: TrainConfig,
  samples: readonly Sample[],
  tokenizer: Tokenizer,
  { preprocessing, architecture }: Pick<CheckpointMetadata, 'preprocessing' | 'architecture'>,
): Loader {
  const { data, training } = config;
  return createLoader({
    samples,
    tokenizer,
    preprocessing,
    batchSize: training.batch_size,
    shuffle: false,
    seed: training.seed,
    lengthMultiple: data.length_multiple,
    partialPosts: acceptsPartialPosts(modalitiesOf(architecture)),
    augmentation: null,
    onBadSample: data.on_bad_sample,
    workers: training.num_workers,
    maxPixels: data.max_pixels,
    pixelCache: pixelCacheOf(config),
  });
}

const rowsAtOnce = 64;

async function openArtifactJudge(folder: string, config: TrainConfig): Promise<Judge> {
  if (!(await stat(path.join(folder, artifactFiles.manifest)).catch(() => null))) {
    throw new CrosscheckError(
      'CROSSCHECK_EVALUATION_NO_METADATA',
      `${path.resolve(folder)} is a folder without ${artifactFiles.manifest}; name an artifact folder that pnpm export wrote, or a checkpoint file`,
    );
  }
  const classifier = await openClassifier(folder, { maxQueue: rowsAtOnce });
  return {
    source: path.resolve(folder),
    version: classifier.artifact.version,
    facts: factsOfArtifact(classifier.artifact),
    decision: classifier.artifact,
    settings: null,
    modalities: classifier.artifact.modalities,
    async judge(samples) {
      const logits: (number | null)[] = [];
      for (let begin = 0; begin < samples.length; begin += rowsAtOnce) {
        throwIfStopped();
        const chunk = samples.slice(begin, begin + rowsAtOnce);
        logits.push(...(await Promise.all(chunk.map((sample) => askClassifier(classifier, sample, config)))));
      }
      const judged = logits.flatMap((logit, i) => (logit === null ? [] : [{ logit, i }]));
      const answers = {
        logits: judged.map(({ logit }) => logit),
        labels: Float32Array.from(judged, ({ i }) => samples[i]?.label ?? Number.NaN),
        indices: Int32Array.from(judged, ({ i }) => i),
      };
      return answersOf(answers, classifier.artifact.temperature);
    },
    close: () => classifier.close(),
  };
}

/** @returns null for a picture that cannot be read, when `data.on_bad_sample` is `skip` */
async function askClassifier(classifier: Classifier, sample: Sample, { data }: TrainConfig): Promise<number | null> {
  try {
    const [prediction] = await classifier.classify([{ text: sample.text, image: sample.imagePath || null }]);
    return prediction?.logit ?? null;
  } catch (error) {
    if (!isCrosscheckError(error) || !error.code.startsWith('CROSSCHECK_IMAGE_')) throw error;
    if (data.on_bad_sample === 'skip') return null;
    throw new CrosscheckError(error.code, `${sample.file}:${sample.line}: ${error.message}`, { cause: error });
  }
}
