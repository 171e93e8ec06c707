import { architectureOf, preprocessingOf, type TrainConfig } from '@crosscheck/config';
import { type Architecture, CrosscheckError } from '@crosscheck/contract';
import { createModel, loadTextBackbone, loadVisionBackbone, loadWeights, type Model } from '@crosscheck/engine';
import { loadTokenizer, type Tokenizer } from '@crosscheck/preprocess';
import {
  openCheckpoint,
  openTextBackbone,
  openVisionBackbone,
  resolveCheckpointPath,
  resolveTokenizer,
  type TensorFile,
} from '@crosscheck/weights';

/** Builds the network with fresh weights. */
export function buildModel(config: TrainConfig, architecture: Architecture = architectureOf(config)): Model {
  const { model, training } = config;
  return createModel({
    architecture,
    dropout: {
      fusion: model.dropout_rate,
      projection: model.projection_dropout,
      text: model.text.dropout,
      attention: model.text.attention_dropout,
      stochasticDepth: model.vision.stochastic_depth,
    },
    batchNormMomentum: model.vision.batch_norm_momentum,
    seed: training.seed,
  });
}

/** What 1 means in a checkpoint that does not say so itself. */
export function meaningOf({ model }: TrainConfig): { positiveClass: 'fake' | 'real' } {
  return { positiveClass: model.positive_class };
}

async function withFile(file: TensorFile, use: (file: TensorFile) => Promise<void>): Promise<void> {
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

/** Loads what the config names: a whole checkpoint, or each backbone's own weights. @returns a line for each, for the log */
export async function loadInitialWeights(model: Model, config: TrainConfig): Promise<string[]> {
  const { load_model, best_model_name, vision, text } = config.model;
  if (load_model) {
    const file = await resolveCheckpointPath(best_model_name, config.training.checkpoint_dir);
    await withFile(await openCheckpoint(file, meaningOf(config)), (checkpoint) => loadWeights(model, checkpoint));
    return [`weights: ${file}`];
  }
  const { architecture } = model;
  const visionSource = vision.pretrained ? vision.weights : null;
  if (visionSource !== null) {
    const hub = { revision: vision.revision };
    await withFile(await openVisionBackbone(visionSource, architecture.vision, hub), (file) =>
      loadVisionBackbone(model, file),
    );
  }
  if (text.weights !== null) {
    const hub = { revision: text.revision };
    await withFile(await openTextBackbone(text.weights, architecture.text, hub), (file) =>
      loadTextBackbone(model, file),
    );
  }
  return [`vision weights: ${visionSource ?? 'random'}`, `text weights: ${text.weights ?? 'random'}`];
}

/** The tokenizer of `model.text.tokenizer`, else of `model.text.pretrained_model`; it must fit the text backbone's vocabulary. */
export async function openTokenizer(config: TrainConfig): Promise<Tokenizer> {
  const { tokenizer: named, pretrained_model, revision, vocab_size } = config.model.text;
  const source = named ?? pretrained_model;
  const file = await resolveTokenizer(source, { revision });
  const tokenizer = await loadTokenizer(file, preprocessingOf(config));
  if (tokenizer.vocabSize <= vocab_size) return tokenizer;
  throw new CrosscheckError(
    'CROSSCHECK_TOKENIZER_TOO_LARGE',
    `the tokenizer of ${file} has ${tokenizer.vocabSize} tokens, but model.text.vocab_size is ${vocab_size}; ` +
      'set model.text.tokenizer to the one that belongs to the text weights',
  );
}
