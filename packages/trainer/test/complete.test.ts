import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { architectureOf, composeConfig, preprocessingOf, trainConfigSchema } from '@crosscheck/config';
import {
  type Architecture,
  type CheckpointMetadata,
  defaultPreprocessing,
  visionBackbones,
} from '@crosscheck/contract';
import { elementCount, parameterNames, visionArchitectureOf } from '@crosscheck/network';
import { createTokenizer } from '@crosscheck/preprocess';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { writeCheckpoint, writeSafetensors } from '@crosscheck/weights';
import { afterAll, describe, expect, it } from 'vitest';
import { complete, namePublished } from '../src/run/complete.ts';
import { checkInitialWeights, openDescription, openRunTokenizer, tokenizerDoubt } from '../src/run/network.ts';
import { testFolder } from './support/posts.ts';
import { shortRun, trainHere } from './support/run-train.ts';
import { composeTiny } from './support/tiny-step.ts';

const { dir, remove } = temporaryFolder();
afterAll(remove);

const compose = (...overrides: string[]) =>
  composeConfig({ configName: 'config', schema: trainConfigSchema, overrides }).config;

const text = {
  vocab_size: 9,
  max_position_embeddings: 20,
  hidden_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
};
mkdirSync(path.join(dir, 'bert'));
const bertConfig = { model_type: 'bert', ...text, intermediate_size: 12, layer_norm_eps: 1e-5 };
writeFileSync(path.join(dir, 'bert/config.json'), JSON.stringify(bertConfig));
const named = [`model.text.pretrained_model=${dir}/bert`, 'model.vision.weights=null', 'data.max_length=20'];

describe('what a config leaves to its backbones', () => {
  it('comes by their names: table, image size, pixel scale, and sizes of config.json', async () => {
    const { config, lines } = await complete(compose(...named, 'model.vision.backbone=efficientnet_lite3'));
    expect(architectureOf(config)).toMatchObject({
      vision: visionArchitectureOf('efficientnet_lite3'),
      text: {
        vocabSize: 9,
        maxPositions: 20,
        hiddenSize: 8,
        layers: 1,
        heads: 2,
        feedForwardSize: 12,
        layerNormEpsilon: 1e-5,
      },
    });
    expect(preprocessingOf(config)).toMatchObject({
      imageSize: 280,
      mean: [127 / 255, 127 / 255, 127 / 255],
      std: [128 / 255, 128 / 255, 128 / 255],
      maxTokens: 20,
    });
    expect(lines).toEqual([
      'vision: efficientnet_lite3, 280 pixels, mean [0.498, 0.498, 0.498], std [0.502, 0.502, 0.502], padding same, epsilon 0.001: as efficientnet_lite3 was published, for random weights',
      `text: 1 layers of 8, 2 heads, feed-forward 12, vocabulary 9, read by cls: ${dir}/bert/config.json`,
    ]);
  });

  it.each(visionBackbones)('%s brings its own weights, unless others are named', (backbone) => {
    const chosen = [`model.vision.backbone=${backbone}`];
    expect(namePublished(compose(...chosen)).model.vision.weights).toMatch(
      new RegExp(`^timm/(tf_)?${backbone}[.]([a-z0-9]+_)?in1k$`),
    );
    for (const weights of ['mine.pth', null]) {
      const named = namePublished(compose(...chosen, `model.vision.weights=${weights}`));
      expect(named.model.vision.weights).toBe(weights);
    }
  });

  it('is what the keys say where they are set, and the log names them', async () => {
    const own = [
      'data.image_size=64',
      'data.std=[1,1,1]',
      'model.vision.padding=same',
      'model.text.layer_norm_epsilon=1e-3',
    ];
    const { config, lines } = await complete(compose(...named, ...own));
    expect(architectureOf(config)).toMatchObject({
      vision: { ...visionArchitectureOf('efficientnet_b0'), padding: 'same' },
      text: { layerNormEpsilon: 1e-3 },
    });
    const { mean } = defaultPreprocessing;
    expect(preprocessingOf(config)).toMatchObject({ imageSize: 64, mean, std: [1, 1, 1] });
    expect(lines[0]).toMatch(/; set by hand: model\.vision\.padding, data\.image_size, data\.std$/);
    expect(lines[1]).toMatch(/; set by hand: model\.text\.layer_norm_epsilon$/);
  });

  it('is told when the weights do not tell how they were trained', async () => {
    const { vision } = architectureOf((await complete(compose(...named))).config);
    const file = path.join(dir, 'timm.safetensors');
    const shape = [vision.stemChannels, 3, 3, 3];
    await writeSafetensors(file, [
      { name: 'conv_stem.weight', shape, dtype: 'F32', data: new Float32Array(elementCount(shape)) },
    ]);
    const { lines } = await complete(compose(...named, `model.vision.weights=${file}`));
    expect(lines.at(-1)).toContain('vision: nothing in');
    expect(lines.at(-1)).toContain('model.vision.padding=same model.vision.batch_norm_epsilon=1e-3');
  });

  it('is refused where heads do not divide the width', async () => {
    await expect(complete(compose(...named, 'model.text.heads=3'))).rejects.toThrow(/heads must divide .* got 3 and 8/);
  });
});

describe('the log', () => {
  const logged = async (...overrides: string[]) => {
    const { config, origins } = composeConfig({ configName: 'config', schema: trainConfigSchema, overrides });
    return (await complete(config, origins)).lines;
  };

  it('says which file sets the table, and calls by hand only what was typed', async () => {
    const [vision, text] = await logged('model=tiny', 'data=demo', 'model.text.layer_norm_epsilon=1e-3');
    expect(vision).toMatch(
      /; configs\/model\/tiny\.yaml sets stem_channels, stages, head_channels; configs\/data\/demo\.yaml sets image_size$/,
    );
    expect(text).toMatch(
      /; configs\/model\/tiny\.yaml sets hidden_size, .*; set by hand: model\.text\.layer_norm_epsilon$/,
    );
  });

  it('says what a backbone that is named changes where the table is set', async () => {
    const lines = await logged(
      'model=tiny',
      'data=demo',
      'model.vision.backbone=efficientnet_lite0',
      'model.vision.weights=null',
    );
    expect(lines.at(-1)).toBe(
      'vision: efficientnet_lite0 brings activation, squeeze-and-excite, padding, epsilon and pixel scale alone: configs/model/tiny.yaml sets the blocks; for efficientnet_lite0 itself leave model=tiny out',
    );
    expect(await logged('model=tiny', 'data=demo')).toHaveLength(2);
  });

  it('advises nothing that is set already', async () => {
    const file = path.join(dir, 'timm.safetensors');
    const set = ['model.vision.padding=same', 'model.vision.batch_norm_epsilon=1e-3'];
    const notes = async (...more: string[]) =>
      (await logged(...named, `model.vision.weights=${file}`, ...more)).filter((line) =>
        line.startsWith('vision: nothing'),
      );
    expect(await notes()).toHaveLength(1);
    expect(await notes(...set)).toEqual([]);
  });
});

describe('a file that cannot be what a key says', () => {
  const check = async (...overrides: string[]) =>
    checkInitialWeights((await complete(compose('model=tiny', ...overrides))).config);
  const assets = path.join(repositoryRoot, 'assets/tiny');

  it('is refused by its header: no EfficientNet, another text backbone, nothing known', async () => {
    await check();
    const nothing = path.join(dir, 'nothing.safetensors');
    await writeSafetensors(nothing, [{ name: 'x', shape: [1], dtype: 'F32', data: new Float32Array(1) }]);
    await expect(check(`model.vision.weights=${nothing}`)).rejects.toThrow(/holds no weights of the vision backbone/);
    await expect(check(`model.vision.weights=${assets}/text.safetensors`)).rejects.toThrow(
      /set model\.text\.weights to it/,
    );
    await expect(check(`model.text.weights=${assets}/vision.safetensors`)).rejects.toThrow(
      /holds no weights of the text backbone/,
    );
    await expect(check('model.text.layers=3')).rejects.toThrow(/do not fit the text backbone \(3 layers of 64\)/);
  });

  it('ends a run before posts are read', async () => {
    const dir = testFolder();
    const overrides = [...shortRun('/nowhere', dir), `model.vision.weights=${assets}/text.safetensors`];
    await expect(trainHere(overrides, { dir })).rejects.toMatchObject({ code: 'CROSSCHECK_WEIGHTS_MISMATCH' });
  });
});

describe('a tokenizer', () => {
  const { config } = composeTiny();
  const json = readFileSync(path.join(repositoryRoot, 'assets/tiny/tokenizer.json'), 'utf8');
  const open = (text: string) => createTokenizer(text, preprocessingOf(config));
  const whole = {
    ...config,
    model: { ...config.model, text: { ...config.model.text, vocab_size: open(json).vocabSize } },
  };

  it('that fits the text weights raises no doubt', () => {
    expect(tokenizerDoubt(open(json), whole)).toBeNull();
  });

  it('of another vocabulary, or of the other case, does', () => {
    const larger = { ...whole, model: { ...whole.model, text: { ...whole.model.text, vocab_size: 30_522 } } };
    expect(tokenizerDoubt(open(json), larger)).toMatch(
      /has \d+ tokens, the text weights 30522: .* is model\.text\.tokenizer=/,
    );
    const cased = json.replace(/"lowercase":\s*true/, '"lowercase": false');
    expect(cased).not.toBe(json);
    expect(tokenizerDoubt(open(cased), whole)).toMatch(/keeps capitals, and its vocabulary has none/);
    const capitals = json.replace('"the"', '"The"');
    expect(tokenizerDoubt(open(capitals), whole)).toMatch(/makes capitals small, and its vocabulary has some/);
  });
});

describe('a checkpoint to start from', () => {
  const architecture: Architecture = {
    ...architectureOf(composeTiny().config),
    vision: { ...architectureOf(composeTiny().config).vision, backbone: 'efficientnet_lite1', batchNormEpsilon: 0.25 },
  };
  const preprocessing = { ...defaultPreprocessing, imageSize: 40, mean: [0.1, 0.2, 0.3] as [number, number, number] };
  const file = path.join(dir, 'start.safetensors');
  const write = (metadata: Partial<CheckpointMetadata> = {}) =>
    writeCheckpoint(file, {
      tensors: parameterNames(architecture).map(({ name, shape, dtype }) => ({
        name,
        shape,
        dtype,
        data: () => (dtype === 'F32' ? new Float32Array(elementCount(shape)) : new BigInt64Array(1)),
      })),
      metadata: {
        formatVersion: 1,
        version: '1',
        createdAt: '2026-01-01T00:00:00Z',
        labels: { 0: 'REAL', 1: 'FAKE' },
        preprocessing,
        architecture,
        threshold: 0.5,
        temperature: 1,
        metrics: {},
        tokenizer: null,
        config: null,
        configOrigins: {},
        runId: null,
        epoch: null,
        step: null,
        ...metadata,
      },
    });
  const load = [
    'model.load_model=true',
    `model.best_model_name=${file}`,
    'model.text.pretrained_model=/nowhere',
    'model.embedding_dim=64',
    'model.fusion_hidden_dim=64',
  ];

  it('brings its sizes and its preprocessing, and needs no config.json', async () => {
    await write();
    const { config, lines } = await complete(compose(...load, 'model.vision.backbone=efficientnet_lite1'));
    expect(architectureOf(config)).toMatchObject({ vision: architecture.vision, text: architecture.text });
    expect(preprocessingOf(config)).toMatchObject({ imageSize: 40, mean: [0.1, 0.2, 0.3] });
    expect(lines[0]).toContain(`: as ${file} says of itself`);
  });

  it('of another backbone is refused with what to set', async () => {
    await write();
    await expect(complete(compose(...load))).rejects.toMatchObject({
      code: 'CROSSCHECK_WEIGHTS_MISMATCH',
      message: expect.stringContaining(
        'set model.vision.backbone=efficientnet_lite1, or another model.best_model_name',
      ),
    });
  });

  it('of another fusion or width is refused with the keys that differ', async () => {
    await write();
    const own = [...load, 'model.vision.backbone=efficientnet_lite1'];
    await expect(complete(compose(...own, 'model.fusion=gated', 'model.embedding_dim=32'))).rejects.toMatchObject({
      code: 'CROSSCHECK_WEIGHTS_MISMATCH',
      message: `${file} has model.fusion=concat model.embedding_dim=64, the config says model.fusion=gated model.embedding_dim=32; set model.fusion=concat model.embedding_dim=64, or another model.best_model_name`,
    });
  });

  it('of another model is refused with all that differs at once', async () => {
    await write();
    const tiny = ['model=tiny', 'model.vision.stem_channels=16', 'model.text.layers=3', 'model.fusion=gated'];
    await expect(complete(compose(...tiny, ...load))).rejects.toThrow(
      /set model\.vision\.stem_channels=null .*model\.text\.layers=null model\.fusion=concat, or another model\.best_model_name$/,
    );
    const all = complete(compose(...load, 'model.fusion=gated', 'model.missing_modality=learned'));
    await expect(all).rejects.toThrow(
      /set model\.vision\.backbone=efficientnet_lite1 model\.fusion=concat model\.missing_modality=none, or/,
    );
  });

  it('that is one backbone alone is refused in one sentence, with the key that takes it', async () => {
    const vision = path.join(repositoryRoot, 'assets/tiny/vision.safetensors');
    const load = ['model=tiny', 'model.load_model=true', `model.best_model_name=${vision}`];
    await expect(complete(compose(...load))).rejects.toMatchObject({
      code: 'CROSSCHECK_WEIGHTS_MISMATCH',
      message: expect.stringMatching(
        /^expected a whole checkpoint, got the vision backbone alone .* set model\.vision\.weights to this file/,
      ),
    });
    const text = path.join(repositoryRoot, 'assets/tiny/text.safetensors');
    await expect(complete(compose(...load, `model.best_model_name=${text}`))).rejects.toThrow(
      /got a text backbone of 2 layers of 64 .* set model\.text\.weights to this file and model\.load_model=false/,
    );
  });

  it('brings its tokenizer, and no other is taken for its weights', async () => {
    const json = readFileSync(path.join(repositoryRoot, 'assets/tiny/tokenizer.json'), 'utf8');
    const swapped = json.replace('"the"', '"@"').replace('"a"', '"the"').replace('"@"', '"a"');
    writeFileSync(path.join(dir, 'other.json'), swapped);
    await write({ tokenizer: json });
    const lite = 'model.vision.backbone=efficientnet_lite1';
    const opened = async (...more: string[]) =>
      openRunTokenizer((await complete(compose(...load, lite, 'model.text.vocab_size=640', ...more))).config);
    expect((await opened()).json).toBe(json);
    expect((await opened('model.text.tokenizer=assets/tiny/tokenizer.json')).json).toBe(json);
    await expect(opened(`model.text.tokenizer=${dir}/other.json`)).rejects.toThrow(
      /expected the tokenizer that the weights of .* have learnt with, got another one .*set model.text.tokenizer=null/,
    );
  });

  it('says so when texts are cut to fewer tokens than data.max_length asks for', async () => {
    const { lines } = await complete(compose(...named, 'data.max_length=64'));
    expect(lines).toContain(
      'text: data.max_length=64 is more than the 20 positions of the network: texts are cut to 20 tokens',
    );
  });

  it('that says nothing of itself is what the config says, by the backbones alone', async () => {
    const { metadata } = await openDescription({ metadata: null }, composeTiny('model.vision.weights=/nowhere').config);
    expect(metadata.architecture).toEqual(architectureOf(composeTiny().config));
    expect(metadata.preprocessing).toEqual(preprocessingOf(composeTiny().config));
  });
});
