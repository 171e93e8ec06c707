import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '@crosscheck/testkit';
import { beforeAll, describe, expect, test } from 'vitest';
import { composeConfig, inferenceConfigSchema, trainConfigSchema } from '../../config/src/index.ts';
import { type ConfigNode, fromPlain, type ScalarNode, stringNode } from '../src/tree/node.ts';
import { pythonFloat, typedScalar } from '../src/tree/scalar.ts';
import { readYaml } from '../src/tree/yaml-source.ts';
import { toYaml } from '../src/tree/yaml-text.ts';
import { hydraPython, readWithPython } from './python/python.ts';

const numbers = [
  '1e-8',
  '1e5',
  '1E5',
  '2.5e-05',
  '.5',
  '5.',
  '-0.0',
  '1_000',
  '1_0.5',
  'inf',
  '-inf',
  'nan',
  '12',
  '-3',
  '+7',
  '1e22',
  '0.00001',
  '123456789012345678',
];

const texts = [
  [
    '1e-8',
    '1e5',
    '1E+5',
    '.5',
    '5.',
    '0o17',
    '017',
    '0x1F',
    '0b11',
    '1_000',
    '1_0.5',
    '-.5',
    '+1',
    '1__0',
    '_1',
    '.',
    '-',
    '.e5',
  ],
  [
    'yes',
    'No',
    'ON',
    'off',
    'y',
    'N',
    'true',
    'FALSE',
    'null',
    'Null',
    '~',
    '',
    '=',
    '<<',
    '.inf',
    '-.INF',
    'inf',
    '.nan',
    'NaN',
  ],
  [
    '2026-01-01',
    '2026-1-1',
    '2026-01-01T10:00:00Z',
    '2026-01-01 10:00:00',
    '12:30',
    '1:2:3',
    '190:20:30.15',
    '12:30:45.5',
  ],
  [
    'a: b',
    'a:b',
    'a #b',
    '#a',
    ' leading',
    'trailing ',
    '\ttab',
    'tab\t',
    'two\nlines',
    'ends\n',
    '\n',
    ' ',
    '  \n  x',
  ],
  [
    '- a',
    '-',
    '? a',
    '?',
    ': a',
    ':',
    '*a',
    '&a',
    '!a',
    '!!str x',
    '%a',
    '@a',
    '`a',
    '|',
    '>',
    "'",
    '"',
    '"a"',
    "it's",
    '{a',
    '[a',
    'a]',
    'a, b',
    ',',
  ],
  ['---', '--- a', '...', '... b', '--', '${a.b}', '${oc.env:X,null}', 'x${a}y', '\\n', 'a\\b', '???'],
  [
    'ä',
    '日本語',
    '😀',
    '\u0085',
    'a\u0085b',
    '\u2028',
    'a\u2029b',
    '\ufeffa',
    '\u0000',
    '\u0007',
    '\u001b[0m',
    '\u007f',
    '\u009f',
    '\u00a0',
    '\r',
    'a\r\nb',
    '\ufffe',
  ],
  ['x'.repeat(2000), 'many words '.repeat(100).trim()],
].flat();

const configs = [
  ...[
    [],
    ['experiment=two_phase'],
    ['experiment=demo'],
    ['debug=overfit_batch'],
    ['model=tiny', 'data=demo', 'debug=limit'],
  ].map((overrides) => composeConfig({ configName: 'config', schema: trainConfigSchema, overrides })),
  composeConfig({ configName: 'config_inference', schema: inferenceConfigSchema }),
].map(({ composition }) => composition.config);

const scalars = [...numbers.map((text) => typedScalar(text)), ...texts.map((text) => stringNode(text))];
const trees: ConfigNode[] = [
  ...configs,
  ...scalars.flatMap((node) => [fromNodes({ value: node }), list([node, node])]),
  ...texts.filter((text) => !/^(?:0|[1-9]\d*)$/.test(text)).map((text) => fromNodes({ [text]: stringNode('x') })),
];

function fromNodes(entries: Record<string, ConfigNode>): ConfigNode {
  return { kind: 'map', entries: new Map(Object.entries(entries)), origin: '' };
}

function list(items: ConfigNode[]): ConfigNode {
  return { kind: 'list', items, origin: '' };
}

/** As `read_yaml.py` shows values. */
function shown(node: ConfigNode): unknown {
  if (node.kind === 'list') return node.items.map(shown);
  if (node.kind === 'map')
    return Object.fromEntries([...node.entries].map(([key, value]) => [shownKey(key), shown(value)]));
  return shownScalar(node);
}

const shownKey = (key: string) => (/^(?:0|[1-9]\d*)$/.test(key) ? `int ${key}` : key);

function shownScalar({ type, value, text }: ScalarNode): [string, string] {
  if (type === 'null') return ['NoneType', 'None'];
  if (type === 'bool') return ['bool', value === true ? 'True' : 'False'];
  if (type === 'int') return ['int', text.replace('+', '').replaceAll('_', '')];
  return type === 'float' ? ['float', pythonFloat(value as number)] : ['str', value as string];
}

let read: Awaited<ReturnType<typeof readWithPython>> | undefined;
let files: Awaited<ReturnType<typeof readWithPython>> | undefined;
let reason = '';
const yamlFiles = globSync('configs/**/*.yaml', { cwd: repositoryRoot }).map((file) => path.join(repositoryRoot, file));

beforeAll(async () => {
  try {
    const python = await hydraPython();
    read = await readWithPython(python, trees.map(toYaml));
    files = await readWithPython(
      python,
      yamlFiles.map((file) => readFileSync(file, 'utf8')),
    );
  } catch (error) {
    reason = `PyYAML and OmegaConf are not at hand: ${(error as Error).message.split('\n')[0]}`;
  }
}, 300_000);

describe('what is printed as YAML', () => {
  test('is read with the same types by PyYAML', ({ skip }) => {
    if (read === undefined) return skip(reason);
    expect(read.map(({ pyyaml }) => pyyaml)).toEqual(trees.map(shown));
  });

  test('is read with the same types by OmegaConf', ({ skip }) => {
    if (read === undefined) return skip(reason);
    expect(read.map(({ omegaconf }) => omegaconf)).toEqual(trees.map(shown));
  });

  test('is read with the same types by us', () => {
    expect(trees.map((tree) => shown(readYaml(toYaml(tree), 'a.yaml').root))).toEqual(trees.map(shown));
  });
});

test('the files in configs/ hold the same types for PyYAML and for us', ({ skip }) => {
  if (files === undefined) return skip(reason);
  const ours = yamlFiles.map((file) => shown(readYaml(readFileSync(file, 'utf8'), file).root));
  expect(files.map(({ pyyaml }) => pyyaml)).toEqual(ours);
});

test('a float that Python writes without a dot gets one', () => {
  expect(toYaml(fromPlain({ a: 1e-8, b: 1.5e-300, c: 0.1, d: -1e-7 }))).toBe(
    'a: 1.0e-08\nb: 1.5e-300\nc: 0.1\nd: -1.0e-07\n',
  );
});
