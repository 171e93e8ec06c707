import { readdirSync } from 'node:fs';
import path from 'node:path';
import { architectureSchema, defaultPreprocessing, labelMap } from '@crosscheck/contract';
import { compose, toPlain } from '@crosscheck/hydra';
import { textArchitectureOf } from '@crosscheck/network';
import { repositoryRoot } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import {
  architectureOf,
  completeConfig,
  composeConfig,
  flattenConfig,
  inferenceConfigSchema,
  preprocessingOf,
  trainConfigSchema,
} from '../src/index.ts';
import { schemaKeys, unwrap } from '../src/schema-walk.ts';

const configDir = path.join(repositoryRoot, 'configs');
const train = (overrides: string[] = []) =>
  composeConfig({ configName: 'config', schema: trainConfigSchema, configDir, overrides });
const inference = (overrides: string[] = []) =>
  composeConfig({ configName: 'config_inference', schema: inferenceConfigSchema, configDir, overrides });

/** Every option of every group, as an override. */
const options = readdirSync(configDir, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name: group }) =>
    readdirSync(path.join(configDir, group)).map((file) => ({ group, option: path.parse(file).name })),
  );

describe('every YAML in configs/', () => {
  test('is found', () => {
    expect(options.length).toBeGreaterThanOrEqual(11);
  });

  test.each(options)('$group=$option composes, validates and warns of nothing', ({ group, option }) => {
    const composed = group === 'inference' ? inference([`${group}=${option}`]) : train([`${group}=${option}`]);
    expect(composed.warnings).toEqual([]);
    expect(composed.composition.choices[group]).toBe(option);
  });

  test('the two primary configs do', () => {
    expect(train().warnings).toEqual([]);
    expect(inference().warnings).toEqual([]);
  });
});

describe('the schema and the YAML', () => {
  test.each([
    ['config', trainConfigSchema],
    ['config_inference', inferenceConfigSchema],
  ])('%s has the same defaults in both', (configName, schema) => {
    const { config } = composeConfig({ configName, schema: schema as typeof trainConfigSchema, configDir });
    expect(config).toEqual(schema.parse({}));
  });

  test.each([
    ['config', trainConfigSchema],
    ['config_inference', inferenceConfigSchema],
  ])('%s names every key of the schema, so that the files show all there is', (configName, schema) => {
    const { config } = compose({ configName, sources: [{ provider: 'main', dir: configDir }], overrides: [] });
    const written = Object.keys(flattenConfig(toPlain(config)));
    expect(
      schemaKeys(schema)
        .map((key) => key.path)
        .filter((key) => !written.includes(key)),
    ).toEqual([]);
  });

  test('every key has a description', () => {
    const keys = [...schemaKeys(trainConfigSchema), ...schemaKeys(inferenceConfigSchema)];
    const bare = keys.filter(({ path: key, description }) => description === '' && !key.startsWith('data.label_map.'));
    expect(bare.map((key) => key.path)).toEqual([]);
  });

  test("the full-size network is the contract's default", () => {
    const text = textArchitectureOf('distilbert-base-uncased') ?? {};
    const config = completeConfig(train().config, { text });
    expect(architectureOf(config)).toEqual(architectureSchema.parse({ embeddingDim: 512, fusionHiddenDim: 256 }));
    expect(preprocessingOf(config)).toEqual(defaultPreprocessing);
    expect(config.data.label_map).toEqual(labelMap);
  });
});

/** The original guide's keys with its defaults. */
const originals: Record<string, unknown> = {
  'data.csv_file': '/',
  'data.n_rows': 1000,
  'data.text_column': 'text_content',
  'data.image_column': 'image_path',
  'data.label_column': 'label',
  'data.train_split': 0.8,
  'data.max_length': 128,
  'data.augmentation.horizontal_flip': true,
  'data.augmentation.rotation_degrees': 15,
  'data.augmentation.color_jitter.brightness': 0.2,
  'data.augmentation.color_jitter.contrast': 0.2,
  'data.augmentation.color_jitter.saturation': 0.2,
  'model.embedding_dim': 512,
  'model.fusion_hidden_dim': 256,
  'model.dropout_rate': 0.3,
  'model.best_model_name': 'best_model_1.6.pth',
  'model.freeze_vision': false,
  'model.freeze_text': false,
  'model.vision.pretrained': true,
  'model.vision.backbone': 'efficientnet_b0',
  'model.text.pretrained_model': 'distilbert-base-uncased',
  'training.experiment_name': 'multimodal_fake_news_detection',
  'training.version': '1.8',
  'training.tracking_uri': 'sqlite:///mlflow.db',
  'training.num_epochs': 5,
  'training.batch_size': 32,
  'training.learning_rate': 0.00002,
  'training.weight_decay': 0.01,
  'training.optimizer': 'adamw',
  'training.use_scheduler': true,
  'training.min_lr': 0.000001,
  'training.num_workers': 1,
  'training.checkpoint_dir': './checkpoints',
  'training.save_frequency': 5,
  'training.seed': 42,
  'training.early_stopping.enabled': true,
  'training.early_stopping.patience': 5,
  'training.early_stopping.min_delta': 0.001,
  'inference.mode': 'batch',
  'inference.checkpoint.device': null,
  'inference.single.image_path': './data/images/test/c7jxj5.jpg',
  'inference.single.text': 'This frog sitting on a light',
  'inference.batch.csv_file': './data/test.csv',
  'inference.batch.output_file': './data/test-predictions.csv',
  'inference.batch.root_dir': './data/images/test/',
  'inference.batch.n_rows': 200,
  'inference.image.mode': 'val',
  'inference.output.verbose': true,
  'inference.output.save_probabilities': true,
  'inference.output.save_confidence': true,
  'inference.batch_processing.batch_size': 32,
  'inference.batch_processing.num_workers': 4,
  'inference.freeze_vision': false,
  'inference.freeze_text': false,
  'inference.dropout_rate': 0.3,
  'mlflow.experiment_name': 'multimodal_fake_news_detection',
};

/** Where our default is another one on purpose; docs/configuration.md says why. */
const changed: Record<string, unknown> = {
  'data.root_dir': 'data',
  'data.images_dir_train': 'data/images/train',
  'data.images_dir_val': 'data/images/val',
  'model.load_model': false,
  'training.mixed_precision': false,
  'mlflow.tracking_uri': 'sqlite:///mlflow.db',
  'inference.checkpoint.path': 'artifact',
  'inference.text.max_length': null,
  'inference.text.tokenizer': null,
  'inference.image.size': null,
  'inference.output.threshold': null,
};

function valueAt(key: string): unknown {
  const root: unknown = key.startsWith('inference.') ? inference().config : train().config;
  return key.split('.').reduce((node, part) => (node as Record<string, unknown>)[part], root);
}

describe("the original's configuration guide", () => {
  test.each(Object.entries(originals))('%s keeps its default %j', (key, value) => {
    expect(valueAt(key)).toEqual(value);
  });

  test("sizes that the backbones bring are those of the guide's", () => {
    const text = textArchitectureOf('distilbert-base-uncased') ?? {};
    const { model, data } = completeConfig(train().config, { text });
    expect([data.image_size, model.text.hidden_size, model.vision.head_channels]).toEqual([224, 768, 1280]);
  });

  test.each(Object.entries(changed))('%s exists, with the default %j of ours (deliberate)', (key, value) => {
    expect(valueAt(key)).toEqual(value);
  });

  test.each([
    [['training.learning_rate=0.0001', 'training.batch_size=64']],
    [['model.load_model=true', 'model.best_model_name=best_model_1.5.pth', 'training.version=1.9']],
    [['model.freeze_vision=true', 'model.freeze_text=true', 'training.num_epochs=3']],
    [
      [
        'model.freeze_vision=false',
        'model.freeze_text=false',
        'training.learning_rate=0.00001',
        'model.dropout_rate=0.5',
      ],
    ],
    [
      [
        'training.version=1.8_custom',
        'training.learning_rate=0.00002',
        'training.num_epochs=10',
        'model.dropout_rate=0.4',
      ],
    ],
    [['training.num_workers=8', 'training.batch_size=16']],
  ])('its training command works as written: %j', (overrides) => {
    const { config, origins } = train(overrides);
    const flat = flattenConfig(config);
    for (const override of overrides) {
      const [key, value] = override.split('=') as [string, string];
      expect(origins[key]).toBe(`override ${override}`);
      expect(String(Number(flat[key])) === 'NaN' ? flat[key] : Number(flat[key])).toBe(
        String(Number(value)) === 'NaN' ? value : Number(value),
      );
    }
  });

  test.each([
    [
      [
        'inference.mode=single',
        'inference.single.image_path=data/images/test.jpg',
        'inference.single.text=Breaking news article text here',
      ],
    ],
    [['inference.mode=batch', 'inference.batch.csv_file=data/test.csv', 'inference.batch.output_file=predictions.csv']],
    [['data.text_column=your_text_column', 'data.image_column=your_image_column']],
    [['inference.checkpoint.path=checkpoints/your_model.pth', 'inference.checkpoint.device=cpu']],
  ])('its inference command works as written: %j', (overrides) => {
    const flat = flattenConfig(inference(overrides).config);
    for (const override of overrides)
      expect(flat[override.slice(0, override.indexOf('='))]).toBe(override.slice(override.indexOf('=') + 1));
  });
});

describe('the two phases', () => {
  test('are those of the original: frozen at 1e-4, then everything at 5e-5', () => {
    expect(train(['experiment=two_phase']).config.training.phases).toMatchObject({
      frozen: { freeze_vision: true, freeze_text: true, learning_rate: 1e-4 },
      finetune: { freeze_vision: false, freeze_text: false, learning_rate: 5e-5 },
    });
  });

  test('take what else they need from training.* and model.*', () => {
    const { training } = train(['training.phases={only:{}}']).config;
    expect(training.phases).toEqual({ only: {} });
  });
});

test('flattenConfig gives dotted keys with text values, lists as JSON', () => {
  expect(flattenConfig({ a: { b: 1, c: [1, { d: null }] }, e: null, f: true })).toEqual({
    'a.b': '1',
    'a.c': '[1,{"d":null}]',
    e: 'null',
    f: 'true',
  });
});

test('a nullable key says so, and its default is known', () => {
  const { isNullable, hasDefault } = unwrap(trainConfigSchema.shape.mlflow);
  expect({ isNullable, hasDefault }).toEqual({ isNullable: false, hasDefault: true });
});

test('learning rates are those of the model until they are set', () => {
  const ratesOf = (...overrides: string[]) => {
    const { training } = train(overrides).config;
    const own = Object.values(training.phases ?? {}).map((phase) => phase.learning_rate);
    return training.phases === null ? [training.learning_rate] : own;
  };
  const two = 'experiment=two_phase';
  expect(ratesOf()).toEqual([2e-5]);
  expect(ratesOf(two)).toEqual([1e-4, 5e-5]);
  expect(ratesOf('model=tiny')).toEqual([1e-3]);
  expect(ratesOf('model=tiny', two)).toEqual([3e-3, 1e-3]);
  expect(ratesOf('model=tiny', 'training.learning_rate=0.5')).toEqual([0.5]);
  expect(ratesOf('model=tiny', two, 'training.phases.finetune.learning_rate=0.5')).toEqual([3e-3, 0.5]);
  expect(ratesOf('model.learning_rates.all=0.25')).toEqual([0.25]);
  expect(ratesOf(two, 'model.learning_rates.frozen=0.25', 'model.learning_rates.finetune=0.125')).toEqual([
    0.25, 0.125,
  ]);
});
