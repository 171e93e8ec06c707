import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import { inferenceConfigSchema, trainConfigSchema } from '../src/index.ts';
import { schemaKeys } from '../src/schema-walk.ts';
import { effects, untested } from './key-effects.ts';

const keys = [
  ...new Set([...schemaKeys(trainConfigSchema), ...schemaKeys(inferenceConfigSchema)].map((key) => key.path)),
];

describe('every key does something', () => {
  test('every key of the schema stands in key-effects.ts, once', () => {
    const listed = [...Object.keys(effects), ...untested];
    expect(keys.filter((key) => !listed.includes(key))).toEqual([]);
    expect(listed.filter((key, index) => listed.indexOf(key) !== index)).toEqual([]);
  });

  test('key-effects.ts lists no key that is gone', () => {
    expect([...Object.keys(effects), ...untested].filter((key) => !keys.includes(key))).toEqual([]);
  });

  test.each(Object.entries(effects))('%s is shown by a test that exists', (_, [file, title]) => {
    const full = path.join(repositoryRoot, file);
    expect(existsSync(full), `${file} does not exist`).toBe(true);
    expect(readFileSync(full, 'utf8'), `${file} has no test named "${title}"`).toContain(title);
  });
});
