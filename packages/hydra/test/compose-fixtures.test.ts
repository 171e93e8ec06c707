import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { compose } from '../src/compose/compose.ts';
import { resolveConfig } from '../src/interpolation/interpolator.ts';
import { toPlain } from '../src/tree/node.ts';

interface Case {
  config: string;
  overrides: string[];
  raw?: unknown;
  resolved?: unknown;
  error?: string;
  resolveError?: string;
}

const fixture = path.join(import.meta.dirname, 'fixtures/hydra-compose.json');
const { files, cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { files: Record<string, string>; cases: Case[] };

/** Which of our codes stands for which of Hydra's texts. */
const codes: [RegExp, string][] = [
  [/Could not delete '|No match in the defaults list|Did you mean to override one of/, 'UNKNOWN_GROUP'],
  [/OverrideParseException/, 'BAD_OVERRIDE'],
  [/Could not append to config/, 'KEY_EXISTS'],
  [/The value of '/, 'BAD_OVERRIDE'],
  [/Could not override/, 'UNKNOWN_KEY'],
  [/Cannot find primary config/, 'NOT_FOUND'],
  [/Could not find '/, 'UNKNOWN_OPTION'],
  [/You must specify/, 'MISSING'],
  [/Ambiguous value|requires --multirun/, 'SWEEP'],
  [/Multiple values for/, 'DEFAULTS'],
];

const folder = temporaryFolder();
afterAll(folder.remove);
for (const [name, text] of Object.entries(files)) {
  mkdirSync(path.dirname(path.join(folder.dir, name)), { recursive: true });
  writeFileSync(path.join(folder.dir, name), text);
}

const composed = ({ config, overrides }: Case) =>
  compose({ configName: config, sources: [{ provider: 'main', dir: folder.dir }], overrides });

describe('composition, held to Hydra 1.3.8', () => {
  test('has all 66 cases', () => {
    expect(cases).toHaveLength(66);
  });

  // Compared as text: order counts too, it is the order of params and of printed configs.
  test.each(cases.filter((item) => item.error === undefined))('composes $config $overrides as Hydra does', (item) => {
    expect(JSON.stringify(toPlain(composed(item).config))).toBe(JSON.stringify(item.raw));
  });

  test.each(cases.filter((item) => item.resolved !== undefined))(
    'resolves $config $overrides as Hydra does',
    (item) => {
      const { config, hydra } = composed(item);
      expect(JSON.stringify(toPlain(resolveConfig(config, { hydra })))).toBe(JSON.stringify(item.resolved));
    },
  );

  test.each(cases.filter((item) => item.resolveError !== undefined))(
    'refuses to resolve $config $overrides as Hydra does',
    (item) => {
      const { config, hydra } = composed(item);
      expect(() => resolveConfig(config, { hydra })).toThrow(expect.objectContaining({ code: 'INTERPOLATION' }));
    },
  );

  test.each(cases.filter((item) => item.error !== undefined))('refuses $config $overrides as Hydra does', (item) => {
    const expected = codes.find(([text]) => text.test(item.error as string))?.[1];
    expect(() => composed(item)).toThrow(expect.objectContaining({ code: expected }));
  });
});
