import { isDeepStrictEqual } from 'node:util';
import {
  type BackboneFacts,
  backboneKeys,
  type CompleteConfig,
  completeConfig,
  type TrainConfig,
} from '@crosscheck/config';
import { type Architecture, type CheckpointMetadata, CrosscheckError } from '@crosscheck/contract';
import { publishedWeightsOf } from '@crosscheck/network';
import {
  findTextFacts,
  findVisionFacts,
  openCheckpoint,
  requireWhole,
  resolveCheckpointPath,
} from '@crosscheck/weights';
import { leavesOf } from './resume-keys.ts';

/** Config key → where its value was set. */
type Origins = Readonly<Record<string, string>>;

/** A config in which nothing is left to the backbones, and where each number comes from, for the log. */
export interface Completed {
  config: CompleteConfig;
  lines: string[];
}

/**
 * Fills what a config leaves to the weights that it starts from: those of the checkpoint with `model.load_model`, else those of the
 * backbones. Keys that are set win.
 *
 * @throws CROSSCHECK_BACKBONE_CONFIG_MISSING CROSSCHECK_BACKBONE_UNSUPPORTED CROSSCHECK_WEIGHTS_MISMATCH, and those of opening weights
 */
export async function complete(given: TrainConfig, origins: Origins = {}): Promise<Completed> {
  const config = namePublished(given);
  const stored = config.model.load_model ? await readStored(config) : null;
  if (stored) return describe(config, factsOfCheckpoint(stored.file, stored.metadata, config), origins);
  return config.model.load_model ? completeForeign(config) : describe(config, await factsOfBackbones(config), origins);
}

/** With the weights by name that `published` stands for. */
export function namePublished(config: TrainConfig): TrainConfig {
  const { vision } = config.model;
  if (vision.weights !== 'published') return config;
  return { ...config, model: { ...config.model, vision: { ...vision, weights: publishedWeightsOf(vision.backbone) } } };
}

/** The same for a checkpoint that says nothing of itself: no weights of backbones are looked at. */
export async function completeForeign(config: TrainConfig): Promise<Completed> {
  const { text, from } = await findTextFacts({ ...config.model.text, weights: null });
  const { backbone } = config.model.vision;
  return describe(config, { text, textFrom: from, visionFrom: `as ${backbone} was published`, notes: [] });
}

interface Facts extends BackboneFacts {
  textFrom: string;
  visionFrom: string;
  notes: string[];
}

async function factsOfBackbones(config: TrainConfig): Promise<Facts> {
  const { model } = config;
  const { text, from } = await findTextFacts(model.text);
  const { vision, pixels, why, doubt } = await findVisionFacts(model.vision);
  return {
    vision,
    text,
    pixels,
    textFrom: from,
    visionFrom: why,
    notes: doubt === null || isSettled(doubt, config) ? [] : [doubt],
  };
}

/** Whether every key that a doubt asks for is set already. */
function isSettled(doubt: string, config: TrainConfig): boolean {
  const values = new Map(leavesOf(config));
  const asked = doubt.match(/\b(?:model\.vision|data)\.\w+/g) ?? [];
  return asked.every((key) => (values.get(key) ?? null) !== null);
}

/** What the checkpoint of `model.load_model` says of itself; null where it says nothing. */
export async function readStored({
  model,
  training,
}: TrainConfig): Promise<{ file: string; metadata: CheckpointMetadata } | null> {
  const file = await resolveCheckpointPath(model.best_model_name, training.checkpoint_dir);
  const checkpoint = await openCheckpoint(file);
  await checkpoint.close();
  if (!checkpoint.metadata) requireWhole(checkpoint);
  return checkpoint.metadata && { file, metadata: checkpoint.metadata };
}

function factsOfCheckpoint(
  file: string,
  { architecture, preprocessing }: CheckpointMetadata,
  { model }: TrainConfig,
): Facts {
  requireSameNetwork(file, architecture, model);
  const { backbone: _, ...vision } = architecture.vision;
  const { imageSize, mean, std } = preprocessing;
  const from = `as ${file} says of itself`;
  return {
    vision,
    text: architecture.text,
    pixels: { imageSize, mean, std },
    textFrom: from,
    visionFrom: from,
    notes: [],
  };
}

/** The keys that say what is in a checkpoint, each with what it holds: all that differ are named at once. */
function requireSameNetwork(file: string, architecture: Architecture, model: TrainConfig['model']): void {
  const { vision, text } = architecture;
  const own = model.vision.stages === null;
  const keys: [key: string, stored: unknown, said: unknown][] = [
    ['vision.backbone', vision.backbone, own ? model.vision.backbone : vision.backbone],
    ['vision.stem_channels', vision.stemChannels, model.vision.stem_channels],
    ['vision.stages', vision.stages, model.vision.stages],
    ['vision.head_channels', vision.headChannels, model.vision.head_channels],
    ['vision.squeeze_excite', vision.squeezeExcite, model.vision.squeeze_excite],
    ['text.hidden_size', text.hiddenSize, model.text.hidden_size],
    ['text.layers', text.layers, model.text.layers],
    ['text.feed_forward_size', text.feedForwardSize, model.text.feed_forward_size],
    ['text.vocab_size', text.vocabSize, model.text.vocab_size],
    ['text.max_positions', text.maxPositions, model.text.max_positions],
    ['fusion', architecture.fusion, model.fusion],
    ['embedding_dim', architecture.embeddingDim, model.embedding_dim],
    ['fusion_hidden_dim', architecture.fusionHiddenDim, model.fusion_hidden_dim],
    ['missing_modality', architecture.missingModality, model.missing_modality],
  ];
  // What is null is left to the checkpoint.
  const others = keys.filter(([, stored, said]) => said !== null && !isDeepStrictEqual(stored, said));
  if (others.length === 0) return;
  const said = (of: (key: (typeof keys)[number]) => unknown) =>
    others.map((key) => `model.${key[0]}=${written(of(key))}`).join(' ');
  const remedy = others.map(([key, stored]) => `model.${key}=${isLeft(key) ? null : written(stored)}`).join(' ');
  throw new CrosscheckError(
    'CROSSCHECK_WEIGHTS_MISMATCH',
    `${file} has ${said(([, stored]) => stored)}, the config says ${said(([, , value]) => value)}; set ${remedy}, or another model.best_model_name`,
  );
}

/** Sizes of backbones can be left to the checkpoint. */
const isLeft = (key: string) => key !== 'vision.backbone' && key.includes('.');

const written = (value: unknown) => (Array.isArray(value) ? `[${value.length} of its own]` : String(value));

function describe(config: TrainConfig, facts: Facts, origins: Origins = {}): Completed {
  const whole = completeConfig(config, facts);
  const { vision, text } = whole.model;
  const { image_size, mean, std } = whole.data;
  const rules = `${image_size} pixels, mean ${channels(mean)}, std ${channels(std)}, padding ${vision.padding}, epsilon ${vision.batch_norm_epsilon}`;
  const sizes = `${text.layers} layers of ${text.hidden_size}, ${text.heads} heads, feed-forward ${text.feed_forward_size}, vocabulary ${text.vocab_size}, read by ${text.pooling}`;
  return {
    config: whole,
    lines: [
      `vision: ${vision.backbone}, ${rules}: ${facts.visionFrom}${setByOthers(config, isOfImages, origins)}`,
      `text: ${sizes}: ${facts.textFrom}${setByOthers(config, isOfText, origins)}`,
      ...[...facts.notes, ...nameAlone(config, origins)].map((note) => `vision: ${note}`),
      ...clipped(whole),
    ],
  };
}

/** Texts are cut where the network's positions end. */
function clipped({ data, model }: CompleteConfig): string[] {
  const { max_positions: positions } = model.text;
  if (data.max_length <= positions) return [];
  return [
    `text: data.max_length=${data.max_length} is more than the ${positions} positions of the network: texts are cut to ${positions} tokens`,
  ];
}

const channels = (values: readonly number[]) => `[${values.map((value) => Number(value.toFixed(4))).join(', ')}]`;

const isOfText = (key: string) => key.startsWith('model.text.');
const isOfImages = (key: string) => !isOfText(key);

/** A backbone that was named where the table is another's: what its name still changes. */
function nameAlone({ model }: TrainConfig, origins: Origins): string[] {
  const [named, table] = [origins['model.vision.backbone'], origins['model.vision.stages']];
  if (model.vision.stages === null || !named?.startsWith('override ') || !table || table.startsWith('override '))
    return [];
  const { backbone } = model.vision;
  return [
    `${backbone} brings activation, squeeze-and-excite, padding, epsilon and pixel scale alone: ${fileOf(table)} sets the blocks; for ${backbone} itself leave model=${model.name} out`,
  ];
}

const fileOf = (origin: string) => origin.replace(/:\d+$/, '');

/** Keys that win over what the backbones bring: typed ones, and those of a config file. */
function setByOthers(config: TrainConfig, isMeant: (key: string) => boolean, origins: Origins): string {
  const set = [...leavesOf(config)].flatMap(([key, value]) => (value !== null && backboneKeys.has(key) ? [key] : []));
  const keys = Map.groupBy(set.filter(isMeant), (key) => {
    const origin = origins[key] ?? 'override ';
    return origin.startsWith('override ') ? null : fileOf(origin);
  });
  const said = (file: string | null, names: string[]) =>
    file === null
      ? `; set by hand: ${names.join(', ')}`
      : `; ${file} sets ${names.map((key) => key.split('.').at(-1)).join(', ')}`;
  return [...keys].map(([file, names]) => said(file, names)).join('');
}
