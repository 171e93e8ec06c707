// The sizes of a text backbone, from the config.json that Hugging Face's libraries write beside its weights.
import path from 'node:path';
import { CrosscheckError, messageOf, type TextArchitecture } from '@crosscheck/contract';
import { textArchitectureOf } from '@crosscheck/network';
import { z } from 'zod';
import type { HubOptions } from '../hub/hub.ts';
import { type ConfigJson, isHubAway, isLocal, isOnHub, readHubConfig, readLocalConfig } from './config-json.ts';

/** `model.text.*`: what names the backbone, and sizes that need not be looked up. */
export interface TextChoice {
  readonly pretrained_model: string;
  readonly weights: string | null;
  readonly revision: string;
  readonly hidden_size: number | null;
  readonly layers: number | null;
  readonly heads: number | null;
  readonly feed_forward_size: number | null;
  readonly vocab_size: number | null;
  readonly max_positions: number | null;
}

/** What is known of a text backbone, and from where. */
export interface TextFacts {
  readonly text: Partial<TextArchitecture>;
  /** For the log. */
  readonly from: string;
}

/**
 * Finds the sizes of `model.text`: in the config.json of its weights or of `pretrained_model`, in a folder or on the Hub. The Hub is asked where
 * weights come from it, or where nothing else tells; a published backbone that it cannot tell of, or need not, is known by its id.
 *
 * @throws CROSSCHECK_BACKBONE_CONFIG_MISSING CROSSCHECK_BACKBONE_CONFIG_INVALID CROSSCHECK_BACKBONE_UNSUPPORTED
 */
export async function findTextFacts(choice: TextChoice, hub: HubOptions = {}): Promise<TextFacts> {
  const own = await ownConfig(choice);
  if (own) return factsOf(own, choice);
  const { pretrained_model: named, weights } = choice;
  if (weights !== null && (await isOnHub(weights))) return hubFacts(weights, choice, hub);
  if (openSizes(choice).length === 0) return { text: {}, from: 'set by hand' };
  const known = textArchitectureOf(named);
  if (known) return { text: known, from: `those of ${named}` };
  if (await isOnHub(named)) return hubFacts(named, choice, hub);
  throw missing(choice, `nothing is at ${named}, or no config.json`);
}

/** The config.json on the disk: of the weights before that of the model that was named. */
async function ownConfig({ weights, pretrained_model: named }: TextChoice): Promise<ConfigJson | null> {
  for (const source of new Set([weights, named])) {
    if (source === null || !(await isLocal(source))) continue;
    const config = await readLocalConfig(source);
    const isOwn = config !== null && path.dirname(config.from) === path.resolve(source);
    if (config && (isOwn || 'model_type' in config.value)) return config;
  }
  return null;
}

async function hubFacts(id: string, choice: TextChoice, hub: HubOptions): Promise<TextFacts> {
  try {
    return factsOf(
      await readHubConfig(id, { ...hub, revision: choice.revision, askedBy: askedBy(id, choice) }),
      choice,
    );
  } catch (error) {
    const text = textArchitectureOf(id);
    const isOpen = openSizes(choice).length > 0;
    if (!String((error as { code?: string }).code).startsWith('CROSSCHECK_HUB_')) throw error;
    if (isHubAway(error) && text) return { text, from: `those of ${id}, whose config.json could not be read` };
    if (!isOpen) return { text: {}, from: `set by hand; config.json of ${id} could not be read` };
    throw missing(choice, messageOf(error), error);
  }
}

/** The key that names a source. */
const askedBy = (id: string, { pretrained_model: named }: TextChoice) =>
  id === named ? 'model.text.pretrained_model' : 'model.text.weights';

function openSizes(choice: TextChoice): string[] {
  const { hidden_size, layers, heads, feed_forward_size, vocab_size, max_positions } = choice;
  const sizes = { hidden_size, layers, heads, feed_forward_size, vocab_size, max_positions };
  return Object.entries(sizes).flatMap(([key, size]) => (size === null ? [`model.text.${key}`] : []));
}

function missing(choice: TextChoice, why: string, cause?: unknown): CrosscheckError {
  return new CrosscheckError(
    'CROSSCHECK_BACKBONE_CONFIG_MISSING',
    `expected a config.json that says the sizes of ${choice.pretrained_model}, got none: ${why}; ` +
      `set model.text.pretrained_model to a Hub id or a folder that has one, or set ${openSizes(choice).join(', ')}`,
    { cause },
  );
}

const size = (fallback: number) => z.int().positive().default(fallback);
/** Heads have no default here: no tensor's shape tells a wrong number. */
const heads = z.int().positive().optional();

/** What transformers' configurations say, with their defaults, under our names. */
const readers = {
  distilbert: z
    .object({
      vocab_size: size(30522),
      max_position_embeddings: size(512),
      dim: size(768),
      n_layers: size(6),
      n_heads: heads,
      hidden_dim: size(3072),
      activation: z.string().default('gelu'),
    })
    .transform((c) => ({
      activation: c.activation,
      text: {
        vocabSize: c.vocab_size,
        maxPositions: c.max_position_embeddings,
        hiddenSize: c.dim,
        layers: c.n_layers,
        heads: c.n_heads,
        feedForwardSize: c.hidden_dim,
        layerNormEpsilon: 1e-12,
      },
    })),
  bert: z
    .object({
      vocab_size: size(30522),
      max_position_embeddings: size(512),
      hidden_size: size(768),
      num_hidden_layers: size(12),
      num_attention_heads: heads,
      intermediate_size: size(3072),
      layer_norm_eps: z.number().positive().default(1e-12),
      hidden_act: z.string().default('gelu'),
    })
    .transform((c) => ({
      activation: c.hidden_act,
      text: {
        vocabSize: c.vocab_size,
        maxPositions: c.max_position_embeddings,
        hiddenSize: c.hidden_size,
        layers: c.num_hidden_layers,
        heads: c.num_attention_heads,
        feedForwardSize: c.intermediate_size,
        layerNormEpsilon: c.layer_norm_eps,
      },
    })),
};

/** Keys that change what is computed, with the values under which it is what this network computes. */
const required: Readonly<Record<string, readonly unknown[]>> = {
  position_embedding_type: ['absolute', undefined],
  is_decoder: [false, undefined],
  add_cross_attention: [false, undefined],
};

/** The Gaussian error linear unit itself, not one of its approximations. */
const exactGelu = ['gelu', 'gelu_python'];

/** @throws CROSSCHECK_BACKBONE_UNSUPPORTED CROSSCHECK_BACKBONE_CONFIG_INVALID */
function factsOf({ from, value }: ConfigJson, choice: TextChoice): TextFacts {
  const type = value['model_type'];
  if (typeof type !== 'string' || !Object.hasOwn(readers, type))
    throw unsupported(from, 'model_type', { expected: Object.keys(readers), got: type });
  const read = readers[type as keyof typeof readers].safeParse(value);
  if (!read.success) {
    const keys = read.error.issues.map(({ path: [key] }) => String(key));
    const wrong = keys.map((key) => `${key} must be ${expectedOf[key] ?? aSize}, got ${JSON.stringify(value[key])}`);
    throw invalid(from, wrong.join('; '));
  }
  const { activation, text } = read.data;
  if (!exactGelu.includes(activation)) {
    const key = type === 'bert' ? 'hidden_act' : 'activation';
    throw unsupported(from, key, { expected: exactGelu, got: activation });
  }
  for (const [key, expected] of Object.entries(required))
    if (!expected.includes(value[key]))
      throw unsupported(from, key, { expected: expected.filter(isSet), got: value[key] });
  requireHeads({ from, value }, { type: type as keyof typeof readers, text, choice });
  const { heads: told, ...sizes } = text;
  return { text: told === undefined ? sizes : { ...sizes, heads: told }, from };
}

const aSize = 'a whole number above 0';
const expectedOf: Readonly<Record<string, string>> = {
  layer_norm_eps: 'a number above 0',
  activation: 'a text',
  hidden_act: 'a text',
};

/** What each configuration calls heads and width. */
const headKeys = {
  distilbert: ['n_heads', 'dim'],
  bert: ['num_attention_heads', 'hidden_size'],
} as const;

interface Read {
  type: keyof typeof readers;
  text: Pick<TextArchitecture, 'hiddenSize'> & { heads?: number | undefined };
  choice: TextChoice;
}

/** Heads must be said, here or by `model.text.heads`, and divide the width. */
function requireHeads({ from }: ConfigJson, { type, text, choice }: Read): void {
  if (choice.heads !== null) return;
  const [headsKey, widthKey] = headKeys[type];
  if (text.heads === undefined)
    throw invalid(
      from,
      `${headsKey} is missing, and no tensor tells it`,
      `set model.text.heads, or put ${headsKey} in`,
    );
  if (choice.hidden_size === null && text.hiddenSize % text.heads !== 0)
    throw invalid(from, `${headsKey}=${text.heads} does not divide ${widthKey}=${text.hiddenSize}`);
}

const anew = 'repair it, or take it anew from where the weights are from';

const invalid = (from: string, what: string, remedy = anew): CrosscheckError =>
  new CrosscheckError('CROSSCHECK_BACKBONE_CONFIG_INVALID', `${from}: ${what}; ${remedy}`);

const isSet = (value: unknown) => value !== undefined;

function unsupported(from: string, key: string, { expected, got }: { expected: readonly unknown[]; got: unknown }) {
  return new CrosscheckError(
    'CROSSCHECK_BACKBONE_UNSUPPORTED',
    `${from}: expected ${key} ${expected.map((value) => JSON.stringify(value)).join(' or ')}, got ${JSON.stringify(got) ?? 'none'}; ` +
      'this network cannot compute that. Take a DistilBERT or BERT, such as distilbert-base-uncased or sentence-transformers/all-MiniLM-L6-v2',
  );
}
