import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { textArchitectureOf } from '@crosscheck/network';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TextChoice } from '../src/backbones/text-facts.ts';
import { findTextFacts } from '../src/index.ts';
import { type HubServer, startHub } from './hub-server.ts';

const { dir, remove } = temporaryFolder();
let hub: HubServer;
beforeAll(async () => {
  hub = await startHub();
});
afterAll(async () => {
  await hub.close();
  remove();
});
let home = 0;
beforeEach(() => {
  hub.files.clear();
  hub.seen.length = 0;
  home++;
});

const minilm = {
  model_type: 'bert',
  hidden_size: 384,
  num_hidden_layers: 6,
  num_attention_heads: 12,
  intermediate_size: 1536,
  vocab_size: 30522,
  max_position_embeddings: 512,
  layer_norm_eps: 1e-12,
  hidden_act: 'gelu',
  position_embedding_type: 'absolute',
};
const minilmSizes = textArchitectureOf('sentence-transformers/all-MiniLM-L6-v2');
const distilbert = { model_type: 'distilbert', dim: 8, n_layers: 3, n_heads: 2, hidden_dim: 12, vocab_size: 40 };

let folders = 0;
function folderWith(config: object | string): string {
  const folder = path.join(dir, `model-${folders++}`);
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  return folder;
}

const nothing = {
  hidden_size: null,
  layers: null,
  heads: null,
  feed_forward_size: null,
  vocab_size: null,
  max_positions: null,
};
const everything = { hidden_size: 8, layers: 1, heads: 2, feed_forward_size: 8, vocab_size: 9, max_positions: 9 };
const find = (choice: Partial<TextChoice> & { pretrained_model: string }, variables: Record<string, string> = {}) => {
  const weights = choice.pretrained_model;
  const environment = { HF_HOME: path.join(dir, `home-${home}`), HF_ENDPOINT: hub.endpoint, ...variables };
  const retrying = { attempts: 1, sleep: () => Promise.resolve() };
  return findTextFacts({ weights, revision: 'main', ...nothing, ...choice }, { variables: environment, retrying });
};
const serve = (id: string, config: object) => hub.files.set(`${id}/config.json`, Buffer.from(JSON.stringify(config)));

describe('sizes of a text backbone come from', () => {
  test('the config.json of a BERT', async () => {
    const folder = folderWith(minilm);
    expect(await find({ pretrained_model: folder })).toEqual({ text: minilmSizes, from: `${folder}/config.json` });
  });

  test('the config.json of a DistilBERT, with the defaults of its library', async () => {
    const { text } = await find({ pretrained_model: folderWith(distilbert) });
    const sizes = { vocabSize: 40, maxPositions: 512, hiddenSize: 8, layers: 3, heads: 2, feedForwardSize: 12 };
    expect(text).toEqual({ ...sizes, layerNormEpsilon: 1e-12 });
  });

  test('that beside the weights, before that of the model that was named', async () => {
    const [own, other] = [folderWith(distilbert), folderWith(minilm)];
    writeFileSync(path.join(own, 'weights.safetensors'), '');
    const weights = path.join(own, 'weights.safetensors');
    expect((await find({ pretrained_model: other, weights })).text.layers).toBe(3);
  });

  test('the Hub', async () => {
    serve('org/mini', { ...minilm, num_hidden_layers: 4 });
    expect(await find({ pretrained_model: 'org/mini' })).toEqual({
      text: { ...minilmSizes, layers: 4 },
      from: 'config.json of org/mini',
    });
  });

  test('the published ones by their id, where the Hub cannot be asked', async () => {
    const facts = await find({ pretrained_model: 'distilbert-base-cased' }, { HF_HUB_OFFLINE: '1' });
    expect(facts.text).toEqual(textArchitectureOf('distilbert/distilbert-base-cased'));
    expect(facts.from).toContain('could not be read');
  });

  test('the published ones without asking, where the weights are not on the Hub', async () => {
    const facts = await find({ pretrained_model: 'bert-base-cased', weights: null });
    expect(facts).toEqual({
      text: textArchitectureOf('google-bert/bert-base-cased'),
      from: 'those of bert-base-cased',
    });
    expect(hub.seen).toEqual([]);
  });

  test('the keys alone, and nobody is asked, when all are set and the weights are not on the Hub', async () => {
    expect(await find({ pretrained_model: 'org/none', weights: null, ...everything })).toEqual({
      text: {},
      from: 'set by hand',
    });
    expect(hub.seen).toEqual([]);
  });

  test('the keys, where the weights come from a repository without config.json', async () => {
    hub.files.set('org/bare/model.safetensors', Buffer.alloc(10));
    expect((await find({ pretrained_model: 'org/bare', ...everything })).from).toMatch(/^set by hand; config\.json/);
  });
});

describe('what cannot be known or computed is refused', () => {
  const refused = (config: object | string) => find({ pretrained_model: folderWith(config) });

  test.each([
    [{ ...minilm, hidden_act: 'gelu_new' }, /expected hidden_act "gelu" or "gelu_python", got "gelu_new"/],
    [{ ...distilbert, activation: 'relu' }, /expected activation "gelu" or "gelu_python", got "relu"/],
    [{ ...minilm, position_embedding_type: 'relative_key' }, /expected position_embedding_type "absolute", got "rel/],
    [{ ...minilm, is_decoder: true }, /expected is_decoder false, got true/],
    [{ ...minilm, model_type: 'roberta' }, /expected model_type "distilbert" or "bert", got "roberta".* Take a Dist/],
    [{ hidden_size: 3 }, /expected model_type "distilbert" or "bert", got none/],
  ])('as unsupported: %j', async (config, message) => {
    await expect(refused(config)).rejects.toMatchObject({
      code: 'CROSSCHECK_BACKBONE_UNSUPPORTED',
      message: expect.stringMatching(message),
    });
  });

  const { num_attention_heads: _, ...headless } = minilm;
  const { n_heads: __, ...headlessDistil } = distilbert;

  test.each([
    [{ ...minilm, num_hidden_layers: 'six' }, 'num_hidden_layers must be a whole number above 0, got "six"; repair it'],
    [
      { ...minilm, vocab_size: -1, layer_norm_eps: 'small' },
      'vocab_size must be a whole number above 0, got -1; layer_norm_eps must be a number above 0, got "small"; repair it',
    ],
    [{ ...minilm, num_attention_heads: 5 }, 'num_attention_heads=5 does not divide hidden_size=384; repair it'],
    [{ ...distilbert, n_heads: 3 }, 'n_heads=3 does not divide dim=8; repair it'],
    [headless, 'num_attention_heads is missing, and no tensor tells it; set model.text.heads'],
    [headlessDistil, 'n_heads is missing, and no tensor tells it; set model.text.heads'],
  ])('with file and key: %j', async (config, message) => {
    const folder = folderWith(config);
    await expect(find({ pretrained_model: folder })).rejects.toMatchObject({
      code: 'CROSSCHECK_BACKBONE_CONFIG_INVALID',
      message: expect.stringContaining(`${folder}/config.json: ${message}`),
    });
  });

  test('and heads that are set need none in the file', async () => {
    const { text } = await find({ pretrained_model: folderWith(headless), heads: 12 });
    expect(text).toMatchObject({ hiddenSize: 384, layers: 6 });
    expect(text).not.toHaveProperty('heads');
  });

  test('and a Hub that is away is named with the key that asks for it', async () => {
    const away = { HF_ENDPOINT: 'http://127.0.0.1:1' };
    await expect(find({ pretrained_model: 'org/mini' }, away)).rejects.toThrow(
      /config\.json for model\.text\.pretrained_model from .* or set model\.text\.pretrained_model to a local path/,
    );
    await expect(find({ pretrained_model: 'nowhere', weights: 'org/mini' }, away)).rejects.toThrow(
      /set model\.text\.weights to a local path/,
    );
  });

  test.each([['{'], ['[]'], [{ ...minilm, hidden_size: 'wide' }]])('as invalid: %j', async (config) => {
    await expect(refused(config)).rejects.toMatchObject({ code: 'CROSSCHECK_BACKBONE_CONFIG_INVALID' });
  });

  test.each([
    ['/nowhere', {}, 'got none: nothing is at /nowhere, or no config.json'],
    ['org/none', {}, 'org/none'],
    ['org/unknown', { HF_HUB_OFFLINE: '1' }, 'HF_HUB_OFFLINE is set'],
  ])('as missing, with what could be set instead: %s', async (pretrained_model, variables, got) => {
    const found = find({ pretrained_model, ...everything, heads: null }, variables);
    await expect(found).rejects.toMatchObject({ code: 'CROSSCHECK_BACKBONE_CONFIG_MISSING' });
    await expect(found).rejects.toThrow(got);
    await expect(found).rejects.toThrow(/has one, or set model\.text\.heads$/);
  });
});
