import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { composeConfig } from '../src/index.ts';

const schema = z.strictObject({
  model: z.strictObject({ name: z.string(), embedding_dim: z.int().min(1).default(512), freeze: z.boolean() }),
  optimizer: z.enum(['adamw', 'adam']),
  version: z.string(),
  learning_rate: z.number().positive(),
  path: z.string().nullable().default(null),
  extras: z.record(z.string(), z.number()).default({}),
});

const files: Record<string, string> = {
  'config.yaml':
    'defaults:\n  - model: big\n  - _self_\n  - experiment: null\noptimizer: adamw\nversion: 1.10\nlearning_rate: 0.1\nextras: {}\n',
  'model/big.yaml': 'name: big\nembedding_dim: 512\nfreeze: false\n',
  'model/small.yaml': 'name: small\nembedding_dim: 8\nfreeze: yes\n',
  'experiment/wrong.yaml': '# @package _global_\ndefaults:\n  - override /modell: small\n',
  'experiment/early.yaml': '# @package _global_\ndefaults:\n  - override /model: small\n  - /model@other: big\n',
  'must.yaml': 'defaults:\n  - model: ???\n',
  'missing.yaml': 'defaults:\n  - model: big\n  - _self_\npath: ???\nversion: ???\noptimizer: adam\nlearning_rate: 1\n',
  'loop.yaml': 'defaults:\n  - loop\n  - _self_\na: 1\n',
  'twice.yaml': 'defaults:\n  - _self_\n  - _self_\n',
  'broken.yaml': 'a: [1\n',
  'list.yaml': '- 1\n',
  'search.yaml': 'hydra:\n  searchpath: nowhere\n',
};

const folder = temporaryFolder();
afterAll(folder.remove);
for (const [name, text] of Object.entries(files)) {
  mkdirSync(path.dirname(path.join(folder.dir, name)), { recursive: true });
  writeFileSync(path.join(folder.dir, name), text);
}

const composed = (overrides: string[] = [], configName = 'config') =>
  composeConfig({ configName, schema, overrides, configDir: folder.dir });

/** Override list, primary config, code, what the message says. */
const refusals: [string[], string, string, string[]][] = [
  [
    ['model.name'],
    'config',
    'CROSSCHECK_CONFIG_BAD_OVERRIDE',
    ['the override model.name has no value; write model.name=VALUE'],
  ],
  [['a=b=c'], 'config', 'CROSSCHECK_CONFIG_BAD_OVERRIDE', ['"=" is not expected here', "key='a=b'"]],
  [
    ['model.embeding_dim=3'],
    'config',
    'CROSSCHECK_CONFIG_UNKNOWN_KEY',
    ['did you mean model.embedding_dim?', 'override model.embeding_dim=3', 'model has: name, embedding_dim, freeze'],
  ],
  [['lr=3'], 'config', 'CROSSCHECK_CONFIG_UNKNOWN_KEY', ['did you mean learning_rate?']],
  [
    ['+model.width=3'],
    'config',
    'CROSSCHECK_CONFIG_UNKNOWN_KEY',
    ['unknown key model.width (override +model.width=3)'],
  ],
  [
    ['+learning_rate=1'],
    'config',
    'CROSSCHECK_CONFIG_KEY_EXISTS',
    ['it is there already', 'config.yaml:7', 'learning_rate=1', '++learning_rate=1'],
  ],
  [['~model.nothing'], 'config', 'CROSSCHECK_CONFIG_UNKNOWN_KEY', ['cannot delete model.nothing: it does not exist']],
  [['~learning_rate=5'], 'config', 'CROSSCHECK_CONFIG_BAD_OVERRIDE', ['its value is 0.1 and not 5']],
  [
    ['model=bigg'],
    'config',
    'CROSSCHECK_CONFIG_UNKNOWN_OPTION',
    ['no config model/bigg; did you mean big?', 'options of model:\n  big\n  small', `main: ${folder.dir}`],
  ],
  [
    ['modell@a=big'],
    'config',
    'CROSSCHECK_CONFIG_UNKNOWN_GROUP',
    ['names the group modell, which does not exist; did you mean model?'],
  ],
  [
    ['model@other=big'],
    'config',
    'CROSSCHECK_CONFIG_UNKNOWN_GROUP',
    ['cannot override model@other: it is not in the defaults list; did you mean model?', '+model@other=big'],
  ],
  [
    ['~model=small'],
    'config',
    'CROSSCHECK_CONFIG_UNKNOWN_GROUP',
    ['cannot delete model=small: model is big in the defaults list'],
  ],
  [
    ['experiment=wrong'],
    'config',
    'CROSSCHECK_CONFIG_UNKNOWN_GROUP',
    ['experiment/wrong.yaml: cannot override modell', 'did you mean model?'],
  ],
  [['experiment=early'], 'config', 'CROSSCHECK_CONFIG_DEFAULTS', ['overrides go to the end of the defaults list']],
  [['+model=small'], 'config', 'CROSSCHECK_CONFIG_DEFAULTS', ['model is chosen twice']],
  [[], 'loop', 'CROSSCHECK_CONFIG_DEFAULTS', ['includes itself through loop']],
  [[], 'twice', 'CROSSCHECK_CONFIG_DEFAULTS', ['_self_ stands twice']],
  [[], 'must', 'CROSSCHECK_CONFIG_MISSING', ['you must choose model, as in model=OPTION; options:\n  big\n  small']],
  [[], 'nothing', 'CROSSCHECK_CONFIG_NOT_FOUND', ['no config named nothing']],
  [[], 'broken', 'CROSSCHECK_CONFIG_BAD_YAML', ['broken.yaml:2 is not valid YAML']],
  [[], 'list', 'CROSSCHECK_CONFIG_BAD_YAML', ['list.yaml must hold a mapping of keys, got a list']],
  [[], 'search', 'CROSSCHECK_CONFIG_SEARCH_PATH', ['hydra.searchpath must be a list of folders, got "nowhere"']],
  [['hydra.searchpath=[pkg://conf]'], 'config', 'CROSSCHECK_CONFIG_SEARCH_PATH', ['names a Python package']],
  [
    ['learning_rate=1,2'],
    'config',
    'CROSSCHECK_CONFIG_SWEEP',
    [
      "can be meant in three ways: a list is learning_rate=[1,2], text is learning_rate='1,2'",
      'a sweep needs --multirun',
    ],
  ],
  [['learning_rate=range(3)'], 'config', 'CROSSCHECK_CONFIG_SWEEP', ['is a sweep; add --multirun']],
  [
    ['path=${nope}'],
    'config',
    'CROSSCHECK_CONFIG_INTERPOLATION',
    ['${nope} refers to nope, which does not exist', 'in path, override path=${nope}'],
  ],
  [
    ['model.embedding_dim=abc'],
    'config',
    'CROSSCHECK_CONFIG_TYPE',
    ['model.embedding_dim: expected int ≥ 1, got the text "abc" (override model.embedding_dim=abc)'],
  ],
  [['model.embedding_dim=1.5'], 'config', 'CROSSCHECK_CONFIG_TYPE', ['model.embedding_dim: expected int ≥ 1, got 1.5']],
  [
    ['model=small'],
    'config',
    'CROSSCHECK_CONFIG_TYPE',
    ['model.freeze: expected bool, got the text "yes"', 'model/small.yaml:3', 'write true'],
  ],
  [['model=[1,{a: 2}]'], 'config', 'CROSSCHECK_CONFIG_BAD_OVERRIDE', ['a group takes the name of an option']],
  [['extras=[1]'], 'config', 'CROSSCHECK_CONFIG_TYPE', ['extras is a mapping', 'got a list (override extras=[1])']],
  [['model.embedding_dim=0'], 'config', 'CROSSCHECK_CONFIG_VALUE', ['model.embedding_dim: expected int ≥ 1, got 0']],
  [
    ['optimizer=adamm'],
    'config',
    'CROSSCHECK_CONFIG_VALUE',
    ['optimizer: expected adamw | adam, got the text "adamm"', 'did you mean adamw?'],
  ],
];

describe('errors of the config', () => {
  test.each(refusals)('%j in %s is %s', (overrides, configName, code, parts) => {
    let error: unknown;
    try {
      composed(overrides, configName);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code });
    for (const part of parts) expect((error as Error).message).toContain(part);
  });

  test('everything that is wrong is told at once, each with its own code', () => {
    const wrong = ['optimizer=adamm', 'nope=1', 'learning_rate=-1', 'path=${gone}'];
    expect(() => composed(wrong)).toThrow(
      expect.objectContaining({
        code: 'CROSSCHECK_CONFIG_INVALID',
        message: expect.stringContaining('the config has 4 problems'),
      }),
    );
    for (const code of ['UNKNOWN_KEY', 'INTERPOLATION', 'VALUE'])
      expect(() => composed(wrong)).toThrow(`[CROSSCHECK_CONFIG_${code}]`);
  });

  test('every value that must be given is listed with the line that says so', () => {
    expect(() => composed([], 'missing')).toThrow(/version must be given .*missing\.yaml:5\); add version=VALUE/);
    expect(() => composed([], 'missing')).toThrow(/path must be given .*missing\.yaml:4\); add path=VALUE/);
    expect(composed(['path=a', 'version=2'], 'missing').config).toMatchObject({ path: 'a', version: '2' });
  });
});

describe('what the schema adds to Hydra', () => {
  test('text keeps the zeros of a number, in files and on the command line', () => {
    expect(composed().config.version).toBe('1.10');
    expect(composed(['version=2.0']).config.version).toBe('2.0');
    expect(composed(['path=v${version}']).config.path).toBe('v1.10');
  });

  test('a key that only the schema has may be set without +', () => {
    expect(composed(['path=/x']).config.path).toBe('/x');
    expect(composed(['path=/x']).origins.path).toBe('override path=/x');
  });

  test('an open mapping takes new keys with +', () => {
    expect(composed(['+extras.a=1']).config.extras).toEqual({ a: 1 });
    expect(() => composed(['extras.a=1', 'extras.b=x'])).toThrow(
      expect.objectContaining({ code: 'CROSSCHECK_CONFIG_TYPE' }),
    );
  });

  test('the origin of every key is known', () => {
    const { origins } = composed(['model=small', 'model.freeze=true']);
    expect(origins).toMatchObject({
      'model.freeze': 'override model.freeze=true',
      'model.name': path.join(folder.dir, 'model/small.yaml:1'),
      path: 'default of the schema',
      version: path.join(folder.dir, 'config.yaml:6'),
    });
  });

  test('the config is frozen', () => {
    const { config } = composed();
    expect(() => Object.assign(config.model, { name: 'x' })).toThrow(TypeError);
  });

  test('warnings come with the line', () => {
    expect(composed(['model=small', 'model.freeze=true']).warnings).toEqual([
      expect.stringContaining('model/small.yaml:3: yes is the text'),
    ]);
  });
});
