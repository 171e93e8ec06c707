import {
  architectureOf,
  type CompleteConfig,
  completeConfig,
  describeForeignCheckpoint,
  preprocessingOf,
  type TrainConfig,
} from '@crosscheck/config';
import { type Architecture, type CheckpointMetadata, CrosscheckError } from '@crosscheck/contract';
import { createModel, loadTextBackbone, loadVisionBackbone, loadWeights, type Model } from '@crosscheck/engine';
import { parameterNames } from '@crosscheck/network';
import { createTokenizer, loadTokenizer, type Tokenizer } from '@crosscheck/preprocess';
import {
  type BackboneFile,
  type Checkpoint,
  checkTensors,
  openCheckpoint,
  openTextBackbone,
  openVisionBackbone,
  resolveCheckpointPath,
  resolveTokenizer,
  type TensorFile,
} from '@crosscheck/weights';
import { completeForeign, readStored } from './complete.ts';

/** Builds the network with fresh weights. */
export function buildModel(config: CompleteConfig, architecture: Architecture = architectureOf(config)): Model {
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

async function withFile<F extends TensorFile>(file: F, use: (file: F) => Promise<void>): Promise<void> {
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
  const lines: string[] = [];
  const load = async (
    what: string,
    source: string | null,
    open: (source: string) => Promise<BackboneFile>,
    use: Use,
  ) => {
    if (source !== null)
      await withFile(await open(source), (file) =>
        use(model, file).then(() => void lines.push(described(what, source, file))),
      );
    else lines.push(`${what} weights: random`);
  };
  await load(
    'vision',
    vision.pretrained ? vision.weights : null,
    (source) => openVision(source, config, architecture),
    loadVisionBackbone,
  );
  await load('text', text.weights, (source) => openText(source, config, architecture), loadTextBackbone);
  return lines;
}

const openVision = (source: string, { model: { vision } }: TrainConfig, architecture: Architecture) =>
  openVisionBackbone(source, architecture.vision, { revision: vision.revision, askedBy: 'model.vision.weights' });

const openText = (source: string, { model: { text } }: TrainConfig, architecture: Architecture) =>
  openTextBackbone(source, architecture.text, { revision: text.revision, askedBy: keyOfText(source, text) });

/** The key that names a source of text weights or of a tokenizer, for messages. */
const keyOfText = (source: string, { pretrained_model: named, tokenizer }: TrainConfig['model']['text']) => {
  if (source === named) return 'model.text.pretrained_model';
  return source === tokenizer ? 'model.text.tokenizer' : 'model.text.weights';
};

/**
 * Holds the files that a run begins with against its network, by their headers, before anything takes long.
 *
 * @throws CROSSCHECK_WEIGHTS_MISMATCH, and those of opening weights
 */
export async function checkInitialWeights(config: CompleteConfig): Promise<void> {
  const { load_model, best_model_name, vision, text } = config.model;
  const architecture = architectureOf(config);
  if (load_model) {
    const file = await resolveCheckpointPath(best_model_name, config.training.checkpoint_dir);
    const fits = async (checkpoint: Checkpoint) =>
      checkTensors(checkpoint, parameterNames(architecture), { what: 'the network' });
    return withFile(await openCheckpoint(file, meaningOf(config)), fits);
  }
  if (vision.pretrained && vision.weights !== null)
    await (await openVision(vision.weights, config, architecture)).close();
  if (text.weights !== null) await (await openText(text.weights, config, architecture)).close();
}

type Use = (model: Model, file: TensorFile) => Promise<void>;

/** `text weights: minilm (Hugging Face BertModel; token type 0 added to the positions; left out pooler)` */
function described(what: string, source: string, { library, notes }: BackboneFile): string {
  return `${what} weights: ${source} (${[library, ...notes].join('; ')})`;
}

/** What a checkpoint says of itself and its tokenizer; what it does not say is taken from the config. */
export async function openDescription(
  { metadata }: Pick<Checkpoint, 'metadata'>,
  config: TrainConfig,
): Promise<{ metadata: CheckpointMetadata; tokenizer: Tokenizer }> {
  if (metadata && metadata.tokenizer !== null)
    return { metadata, tokenizer: createTokenizer(metadata.tokenizer, metadata.preprocessing) };
  const whole = metadata
    ? completeConfig(config, { text: metadata.architecture.text })
    : (await completeForeign(config)).config;
  return { metadata: metadata ?? describeForeignCheckpoint(whole), tokenizer: await openTokenizer(whole) };
}

/**
 * The tokenizer that a run begins with: with `model.load_model` that of the checkpoint, whose weights know no other.
 *
 * @throws CROSSCHECK_WEIGHTS_MISMATCH when `model.text.tokenizer` names another one
 */
export async function openRunTokenizer(config: CompleteConfig): Promise<Tokenizer> {
  const stored = config.model.load_model ? await readStored(config) : null;
  const json = stored?.metadata.tokenizer ?? null;
  if (stored === null || json === null) return openTokenizer(config);
  const own = createTokenizer(json, preprocessingOf(config));
  if (config.model.text.tokenizer === null || (await openTokenizer(config)).json === own.json) return own;
  throw new CrosscheckError(
    'CROSSCHECK_WEIGHTS_MISMATCH',
    `expected the tokenizer that the weights of ${stored.file} have learnt with, got another one in model.text.tokenizer=${config.model.text.tokenizer}; set model.text.tokenizer=null`,
  );
}

/** The tokenizer of `model.text.tokenizer`, else of `model.text.pretrained_model`; it must fit the text backbone's vocabulary. */
export async function openTokenizer(config: CompleteConfig): Promise<Tokenizer> {
  const { tokenizer: named, pretrained_model, revision, vocab_size } = config.model.text;
  const source = named ?? pretrained_model;
  const file = await resolveTokenizer(source, { revision, askedBy: keyOfText(source, config.model.text) });
  const tokenizer = await loadTokenizer(file, preprocessingOf(config));
  if (tokenizer.vocabSize <= vocab_size) return tokenizer;
  throw new CrosscheckError(
    'CROSSCHECK_TOKENIZER_TOO_LARGE',
    `the tokenizer of ${file} has ${tokenizer.vocabSize} tokens, but model.text.vocab_size is ${vocab_size}; ` +
      'set model.text.tokenizer to the one that belongs to the text weights',
  );
}

/** What speaks against a tokenizer being the one that the text weights have learnt with; null when nothing does. */
export function tokenizerDoubt(own: Tokenizer, config: CompleteConfig): string | null {
  const { json, vocabSize } = own;
  const { tokenizer, pretrained_model, vocab_size } = config.model.text;
  const named = tokenizer === null ? `pretrained_model=${pretrained_model}` : `tokenizer=${tokenizer}`;
  const doubt = (what: string) => `text: ${what}; is model.text.${named} the tokenizer of the text weights?`;
  if (vocabSize !== vocab_size)
    return doubt(
      `the tokenizer has ${vocabSize} tokens, the text weights ${vocab_size}: cased and uncased ones differ so`,
    );
  if (!/"type":\s*"WordPiece"/.test(json)) return null;
  const keepsCase = own.encode('A').join() !== own.encode('a').join();
  const hasCapitals = /"(?:##)?\p{Lu}\p{L}*":\s*\d/u.test(json);
  if (keepsCase === hasCapitals) return null;
  return doubt(
    keepsCase
      ? 'the tokenizer keeps capitals, and its vocabulary has none: words with them are unknown'
      : 'the tokenizer makes capitals small, and its vocabulary has some: it was made for cased text',
  );
}
