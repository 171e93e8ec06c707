import path from 'node:path';
import { type ModelInput, modelTensors } from '@crosscheck/engine';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { openSafetensors, writeSafetensors } from '@crosscheck/weights';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type HubServer, startHub } from '../../weights/test/hub-server.ts';
import { buildModel, loadInitialWeights, openTokenizer } from '../src/run/network.ts';
import { composeTiny, tinyInput, weightsOf } from './support/tiny-step.ts';

// What model.* changes, each key by itself.
const open: ReturnType<typeof buildModel>[] = [];
const build = (...overrides: string[]) => {
  const model = buildModel(composeTiny(...overrides).config);
  open.push(model);
  return model;
};
afterEach(() => {
  for (const model of open.splice(0)) model.dispose();
});

describe('sizes', () => {
  it('of the network are those of model.*', () => {
    const { tensors } = build(
      'model.embedding_dim=40',
      'model.fusion_hidden_dim=48',
      'model.vision.stem_channels=16',
      'model.vision.stages=[{expand:1,channels:24,repeats:2,stride:2,kernel:5}]',
      'model.vision.head_channels=56',
      'model.text.hidden_size=24',
      'model.text.heads=2',
      'model.text.layers=3',
      'model.text.feed_forward_size=72',
      'model.text.vocab_size=700',
      'model.text.max_positions=33',
    );
    const shapes = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));
    expect(shapes).toMatchObject({
      'vision_branch.backbone.features.0.0.weight': [16, 3, 3, 3],
      'vision_branch.backbone.features.1.0.block.0.0.weight': [16, 1, 5, 5],
      'vision_branch.backbone.features.1.1.block.0.0.weight': [24, 1, 5, 5],
      'vision_branch.backbone.features.2.0.weight': [56, 24, 1, 1],
      'vision_branch.projection.0.weight': [40, 56],
      'text_branch.backbone.embeddings.word_embeddings.weight': [700, 24],
      'text_branch.backbone.embeddings.position_embeddings.weight': [33, 24],
      'text_branch.backbone.transformer.layer.2.ffn.lin1.weight': [72, 24],
      'text_branch.projection.0.weight': [40, 24],
      'fusion.0.weight': [48, 80],
      'fusion.3.weight': [24, 48],
    });
    expect(shapes).not.toHaveProperty(['text_branch.backbone.transformer.layer.3.ffn.lin1.weight']);
  });

  it('of attention heads change what the same weights compute', () => {
    const [four, two] = [build('model.text.heads=4'), build('model.text.heads=2')];
    expect([...two.tensors.keys()]).toEqual([...four.tensors.keys()]);
    const [a, b] = [four, two].map((model) => model.predictLogits(tinyInput() as ModelInput));
    expect(a).not.toEqual(b);
  });
});

it('pools a text as model.text.pooling says, and by [CLS] where nothing says it', () => {
  const logitsOf = (...overrides: string[]) => build(...overrides).predictLogits(tinyInput() as ModelInput);
  const [unset, cls, mean] = [[], ['model.text.pooling=cls'], ['model.text.pooling=mean']].map((o) => logitsOf(...o));
  expect(unset).toEqual(cls);
  expect(mean).not.toEqual(cls);
});

it.each([
  ['model.vision.activation=relu6'],
  ['model.vision.padding=same'],
  ['model.vision.batch_norm_epsilon=0.1'],
  ['model.text.layer_norm_epsilon=0.1'],
])('alone changes what the same weights compute: %s', (override) => {
  const [plain, other] = [build(), build(override)].map((model) => model.predictLogits(tinyInput() as ModelInput));
  expect(other).not.toEqual(plain);
});

it('without squeeze-and-excite has none of its tensors', () => {
  const names = (model: ReturnType<typeof build>) => [...model.tensors.keys()].filter((name) => name.includes('.fc1.'));
  expect(names(build())).not.toEqual([]);
  expect(names(build('model.vision.squeeze_excite=false'))).toEqual([]);
});

it.each(['gated', 'bilinear', 'cross_attention'])('brings both parts together as model.fusion says: %s', (fusion) => {
  const [plain, other] = [build(), build(`model.fusion=${fusion}`)];
  const added = [...other.tensors.keys()].filter((name) => !plain.tensors.has(name));
  expect(added.length).toBeGreaterThan(0);
  expect(added.every((name) => name.startsWith(`fusion.${fusion}.`))).toBe(true);
});

it('has a vector for each part that a post may lack with model.missing_modality=learned', () => {
  const [plain, learned] = [build(), build('model.missing_modality=learned')];
  expect([...learned.tensors.keys()]).toEqual([...plain.tensors.keys(), 'fusion.no_image', 'fusion.no_text']);
  expect(learned.tensors.get('fusion.no_image')?.shape).toEqual([64]);
});

describe('noise of training', () => {
  const quiet = [
    'model.dropout_rate=0',
    'model.projection_dropout=0',
    'model.vision.stochastic_depth=0',
    'model.text.dropout=0',
    'model.text.attention_dropout=0',
  ];
  const lossWith = (...overrides: string[]) => {
    const result = build(...quiet, ...overrides).computeGradients(tinyInput(4), { seed: 1 });
    result.dispose();
    return result.loss;
  };

  it.each([
    'model.dropout_rate=0.5',
    'model.projection_dropout=0.5',
    // Of the tiny network only the second stage has a block that could be left out: a repeated one.
    'model.vision.stochastic_depth=0.9',
    'model.text.dropout=0.5',
    'model.text.attention_dropout=0.5',
  ])('%s changes the loss of a step', (override) => {
    const deep = 'model.vision.stages=[{expand:1,channels:8,repeats:3,stride:1,kernel:3}]';
    expect(lossWith(deep, override)).not.toBe(lossWith(deep));
  });

  it('model.vision.batch_norm_momentum is the share of a batch in the running statistics', () => {
    const name = 'vision_branch.backbone.features.0.1.running_mean';
    const moved = (momentum: number) => {
      const model = build(...quiet, `model.vision.batch_norm_momentum=${momentum}`);
      model.computeGradients(tinyInput(4), { seed: 1 }).dispose();
      return weightsOf({ ...model, variables: model.buffers }).get(name) as Float32Array;
    };
    const [little, much] = [moved(0.1), moved(0.4)];
    expect(Math.max(...little.map(Math.abs))).toBeGreaterThan(0);
    for (const [i, value] of little.entries()) expect(much[i]).toBeCloseTo(4 * value, 6);
  });
});

describe('weights to start from', () => {
  const assets = path.join(repositoryRoot, 'assets/tiny');
  const firstKernel = 'vision_branch.backbone.features.0.0.weight';
  const words = 'text_branch.backbone.embeddings.word_embeddings.weight';
  const loaded = async (...overrides: string[]) => {
    const { config } = composeTiny(...overrides);
    const model = build(...overrides);
    const fresh = weightsOf(model);
    const lines = await loadInitialWeights(model, config);
    const now = weightsOf(model);
    const changed = [firstKernel, words].map((name) => String(now.get(name)) !== String(fresh.get(name)));
    return { lines, changed, words: now.get(words) };
  };

  it('are the files of model.vision.weights and model.text.weights, or random', async () => {
    const both = await loaded();
    expect(both.changed).toEqual([true, true]);
    const file = await openSafetensors(`${assets}/text.safetensors`);
    expect(both.words).toEqual(await file.read('embeddings.word_embeddings.weight'));
    await file.close();
    expect((await loaded('model.vision.weights=null')).changed).toEqual([false, true]);
    const random = await loaded('model.vision.pretrained=false', 'model.text.weights=null');
    expect(random.changed).toEqual([false, false]);
    expect(random.lines).toEqual(['vision weights: random', 'text weights: random']);
  });

  it('of others are negated where model.positive_class says that their 1 means real', async () => {
    const { dir, remove } = temporaryFolder();
    const output = 'fusion.6.weight';
    const other = build('training.seed=7');
    await writeSafetensors(path.join(dir, 'other.safetensors'), modelTensors(other), {});
    const load = ['model.load_model=true', `model.best_model_name=${dir}/other.safetensors`];
    const loadedOutput = async (...overrides: string[]) => {
      const model = build();
      await loadInitialWeights(model, composeTiny(...load, ...overrides).config);
      return weightsOf(model).get(output) as Float32Array;
    };
    const expected = weightsOf(other).get(output) as Float32Array;
    expect(await loadedOutput()).toEqual(expected);
    expect(await loadedOutput('model.positive_class=real')).toEqual(expected.map((value) => -value));
    remove();
  });

  it('come with the tokenizer of model.text.tokenizer, else that of model.text.pretrained_model', async () => {
    const tokenizer = async (...overrides: string[]) => openTokenizer(composeTiny(...overrides).config);
    expect((await tokenizer(`model.text.tokenizer=${assets}`)).vocabSize).toBeGreaterThan(100);
    expect((await tokenizer('model.text.tokenizer=null', `model.text.pretrained_model=${assets}`)).vocabSize).toBe(
      (await tokenizer(`model.text.tokenizer=${assets}`)).vocabSize,
    );
    await expect(tokenizer('model.text.tokenizer=/nowhere')).rejects.toThrow('/nowhere');
    await expect(tokenizer('model.text.vocab_size=64')).rejects.toMatchObject({
      code: 'CROSSCHECK_TOKENIZER_TOO_LARGE',
    });
  });
});

describe('from the Hub', () => {
  const { dir, remove } = temporaryFolder();
  let hub: HubServer;
  beforeAll(async () => {
    hub = await startHub();
    vi.stubEnv('HF_ENDPOINT', hub.endpoint);
    vi.stubEnv('HF_HOME', dir);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await hub.close();
    remove();
  });

  it('weights and tokenizer are asked for in the revision of the config', async () => {
    const { config } = composeTiny(
      'model.vision.weights=org/eyes',
      'model.vision.revision=v2',
      'model.text.pretrained_model=org/words',
      'model.text.tokenizer=null',
      'model.text.revision=v3',
    );
    await expect(loadInitialWeights(build(), config)).rejects.toThrow('org/eyes');
    await expect(openTokenizer(config)).rejects.toThrow('org/words');
    const text = composeTiny('model.vision.weights=null', 'model.text.weights=org/words', 'model.text.revision=v3');
    await expect(loadInitialWeights(build(), text.config)).rejects.toThrow('org/words');
    const asked = new Set(hub.seen.map((request) => request.path.split('/').slice(1, 5).join('/')));
    expect([...asked]).toEqual(['org/eyes/resolve/v2', 'org/words/resolve/v3']);
  });
});
