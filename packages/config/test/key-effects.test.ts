import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import { composeConfig, inferenceConfigSchema, trainConfigSchema } from '../src/index.ts';
import { schemaKeys } from '../src/schema-walk.ts';
import { effects, untested } from './key-effects.ts';

const keys = [
  ...new Set([...schemaKeys(trainConfigSchema), ...schemaKeys(inferenceConfigSchema)].map((key) => key.path)),
];
const listed = [...effects.map(([key]) => key), ...untested];

describe('every key does something', () => {
  test('every key of the schema stands in key-effects.ts, once', () => {
    expect(keys.filter((key) => !listed.includes(key))).toEqual([]);
    expect(listed.filter((key, index) => listed.indexOf(key) !== index)).toEqual([]);
  });

  test('key-effects.ts lists no key that is gone', () => {
    expect(listed.filter((key) => !keys.includes(key))).toEqual([]);
  });

  test.each(effects)('%s is shown by a test that exists', (_, [file, title]) => {
    const full = path.join(repositoryRoot, file);
    expect(existsSync(full), `${file} does not exist`).toBe(true);
    expect(readFileSync(full, 'utf8'), `${file} has no test named "${title}"`).toContain(title);
  });
});

test.each([
  ['model.vision.backbone', 'efficientnet_b0', 'resnet50'],
  ['data.label_map.0', 'REAL', 'FAKE'],
  ['data.label_map.1', 'FAKE', 'REAL'],
  ['inference.image.mode', 'val', 'train'],
])('keys of one value refuse any other: %s', (key, value, other) => {
  const compose = (override: string) =>
    key.startsWith('inference.')
      ? composeConfig({ configName: 'config_inference', schema: inferenceConfigSchema, overrides: [override] })
      : composeConfig({ configName: 'config', schema: trainConfigSchema, overrides: [override] });
  expect(compose(`${key}=${value}`).warnings).toEqual([]);
  expect(() => compose(`${key}=${other}`)).toThrow(value);
});
