import {
  type BackboneFacts,
  backboneKeys,
  type CompleteConfig,
  completeConfig,
  type TrainConfig,
} from '@crosscheck/config';
import { type Architecture, type CheckpointMetadata, CrosscheckError } from '@crosscheck/contract';
import { publishedWeightsOf } from '@crosscheck/network';
import { findTextFacts, findVisionFacts, openCheckpoint, resolveCheckpointPath } from '@crosscheck/weights';
import { leavesOf } from './resume-keys.ts';

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
export async function complete(given: TrainConfig): Promise<Completed> {
  const config = namePublished(given);
  const stored = config.model.load_model ? await readStored(config) : null;
  if (stored) return describe(config, factsOfCheckpoint(stored.file, stored.metadata, config));
  return config.model.load_model ? completeForeign(config) : describe(config, await factsOfBackbones(config));
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

async function factsOfBackbones({ model }: TrainConfig): Promise<Facts> {
  const { text, from } = await findTextFacts(model.text);
  const { vision, pixels, why, doubt } = await findVisionFacts(model.vision);
  return { vision, text, pixels, textFrom: from, visionFrom: why, notes: doubt === null ? [] : [doubt] };
}

/** What the checkpoint of `model.load_model` says of itself; null where it says nothing. */
export async function readStored({
  model,
  training,
}: TrainConfig): Promise<{ file: string; metadata: CheckpointMetadata } | null> {
  const file = await resolveCheckpointPath(model.best_model_name, training.checkpoint_dir);
  const checkpoint = await openCheckpoint(file);
  await checkpoint.close();
  return checkpoint.metadata && { file, metadata: checkpoint.metadata };
}

function factsOfCheckpoint(
  file: string,
  { architecture, preprocessing }: CheckpointMetadata,
  { model }: TrainConfig,
): Facts {
  const { backbone, ...vision } = architecture.vision;
  const { backbone: named, stages } = model.vision;
  if (stages === null && backbone !== named) {
    throw new CrosscheckError(
      'CROSSCHECK_WEIGHTS_MISMATCH',
      `expected a checkpoint of ${named}, which model.vision.backbone names, got one of ${backbone} (${file}); set model.vision.backbone=${backbone}, or another model.best_model_name`,
    );
  }
  requireSameHeads(file, architecture, model);
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

/** Keys that say what stands on the backbones: its weights are the checkpoint's, too. */
function requireSameHeads(file: string, architecture: Architecture, model: TrainConfig['model']): void {
  const keys = [
    ['fusion', architecture.fusion],
    ['embedding_dim', architecture.embeddingDim],
    ['fusion_hidden_dim', architecture.fusionHiddenDim],
    ['missing_modality', architecture.missingModality],
  ] as const;
  const others = keys.filter(([key, stored]) => model[key] !== stored);
  if (others.length === 0) return;
  const said = (of: (key: (typeof keys)[number]) => unknown) =>
    others.map((key) => `model.${key[0]}=${String(of(key))}`).join(' ');
  throw new CrosscheckError(
    'CROSSCHECK_WEIGHTS_MISMATCH',
    `${file} has ${said(([, stored]) => stored)}, the config says ${said(([key]) => model[key])}; set ${said(([, stored]) => stored)}, or another model.best_model_name`,
  );
}

function describe(config: TrainConfig, facts: Facts): Completed {
  const whole = completeConfig(config, facts);
  const { vision, text } = whole.model;
  const { image_size, mean, std } = whole.data;
  const rules = `${image_size} pixels, mean ${channels(mean)}, std ${channels(std)}, padding ${vision.padding}, epsilon ${vision.batch_norm_epsilon}`;
  const sizes = `${text.layers} layers of ${text.hidden_size}, ${text.heads} heads, feed-forward ${text.feed_forward_size}, vocabulary ${text.vocab_size}, read by ${text.pooling}`;
  return {
    config: whole,
    lines: [
      `vision: ${vision.backbone}, ${rules}: ${facts.visionFrom}${setByHand(config, isOfImages)}`,
      `text: ${sizes}: ${facts.textFrom}${setByHand(config, isOfText)}`,
      ...facts.notes.map((note) => `vision: ${note}`),
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

/** Keys that win over what the backbones bring. */
function setByHand(config: TrainConfig, isMeant: (key: string) => boolean): string {
  const set = [...leavesOf(config)].flatMap(([key, value]) => (value !== null && backboneKeys.has(key) ? [key] : []));
  const keys = set.filter(isMeant);
  return keys.length === 0 ? '' : `; set by hand: ${keys.join(', ')}`;
}
