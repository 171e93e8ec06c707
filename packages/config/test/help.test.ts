import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { helpLines } from '../src/cli/help.ts';
import { formatTable } from '../src/cli/table.ts';
import { composeOnly } from '../src/compose-config.ts';
import { inferenceConfigSchema, trainConfigSchema } from '../src/index.ts';
import { schemaKeys } from '../src/schema-walk.ts';

const rows = [
  ['a.key', 'int ≥ 1', 'what it does, in several words that have to go somewhere'],
  ['a.longer_key', 'x | y', 'short'],
];

describe('a table', () => {
  test('is one line for each row where nobody says how wide it may be', () => {
    expect(formatTable(rows)).toEqual([
      '  a.key         int ≥ 1  what it does, in several words that have to go somewhere',
      '  a.longer_key  x | y    short',
    ]);
  });

  test('breaks its last column between words', () => {
    expect(formatTable(rows, 60)).toEqual([
      '  a.key         int ≥ 1  what it does, in several words that',
      '                         have to go somewhere',
      '  a.longer_key  x | y    short',
    ]);
  });

  test('puts its last column below the others where it would be very narrow', () => {
    expect(formatTable(rows, 40)).toEqual([
      '  a.key  int ≥ 1',
      '      what it does, in several words',
      '      that have to go somewhere',
      '  a.longer_key  x | y',
      '      short',
    ]);
  });
});

describe.each<{ configName: string; schema: z.ZodType<unknown> }>([
  { configName: 'config', schema: trainConfigSchema },
  { configName: 'config_inference', schema: inferenceConfigSchema },
])('--help of $configName', ({ configName, schema }) => {
  const command = { name: 'x', summary: 'Does something.', configName, schema, main: async () => {} };
  const composition = composeOnly({ configName, schema, overrides: [] }, 'multirun');
  const linesAt = (width: number) => helpLines(command, composition, width);

  test.each([80, 100, 160])('fits a terminal of %d columns', (width) => {
    expect(linesAt(width).filter((line) => line.length > width)).toEqual([]);
  });

  test('says the same however wide it is, and every key has a meaning', () => {
    const words = (width: number) => linesAt(width).join(' ').split(/\s+/);
    expect(words(80)).toEqual(words(Number.POSITIVE_INFINITY));
    const silent = schemaKeys(schema).filter(({ description }) => description === '');
    expect(silent.map(({ path }) => path)).toEqual([]);
  });
});
