import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatElement } from '../src/overrides/format.ts';
import { isSweep, type Override, type Sweep } from '../src/overrides/override.ts';
import { parseOverride } from '../src/overrides/parser.ts';
import { sweepValues } from '../src/sweep/values.ts';
import type { ConfigNode } from '../src/tree/node.ts';

/** Hydra 1.3.8's own parse of each input; floats are written as Python prints them. */
interface Case {
  input: string;
  error?: string;
  type?: string;
}

const fixture = path.join(import.meta.dirname, 'fixtures/hydra-override-grammar.json');
const cases = JSON.parse(readFileSync(fixture, 'utf8')) as Case[];

/** Inputs that Hydra refuses and that we take on purpose; docs/configuration.md lists them. */
const accepted: Record<string, string> = { 'a=#x': '#x', 'a=x#y': 'x#y', 'a=hé': 'hé' };

const types = { change: 'CHANGE', add: 'ADD', 'force-add': 'FORCE_ADD', delete: 'DEL' };

function encode(node: ConfigNode): unknown {
  if (node.kind === 'list') return node.items.map(encode);
  if (node.kind === 'map') return Object.fromEntries([...node.entries].map(([key, value]) => [key, encode(value)]));
  return node.type === 'float' ? { $float: formatElement(node) } : node.value;
}

function encodeSweep(sweep: Sweep): { valueType: string; sweep: object } {
  switch (sweep.kind) {
    case 'choice':
      return {
        valueType: sweep.simple ? 'SIMPLE_CHOICE_SWEEP' : 'CHOICE_SWEEP',
        sweep: { tags: sweep.tags, list: sweep.list.map(encode), simple_form: sweep.simple, shuffle: sweep.shuffle },
      };
    case 'range':
      return {
        valueType: 'RANGE_SWEEP',
        sweep: {
          tags: sweep.tags,
          start: encode(sweep.start),
          stop: encode(sweep.stop),
          step: encode(sweep.step),
          shuffle: sweep.shuffle,
        },
      };
    case 'interval':
      return {
        valueType: 'INTERVAL_SWEEP',
        sweep: { tags: sweep.tags, start: encode(sweep.start), end: encode(sweep.end) },
      };
    case 'glob':
      return { valueType: 'GLOB_CHOICE_SWEEP', sweep: { include: sweep.include, exclude: sweep.exclude } };
  }
}

function describeValue({ value }: Override): object {
  if (value === null) return { valueType: null, value: null, elementStr: null };
  if (!isSweep(value)) return { valueType: 'ELEMENT', value: encode(value), elementStr: formatElement(value) };
  const isListed = (value.kind === 'choice' || value.kind === 'range') && !value.shuffle;
  const sweepStrings = isListed ? sweepValues(value, () => []).map((node) => formatElement(node)) : null;
  return { ...encodeSweep(value), sweepStrings, elementStr: null };
}

describe('the override grammar, held to Hydra 1.3.8', () => {
  test('has all 116 cases', () => {
    expect(cases).toHaveLength(116);
  });

  test.each(cases.filter((item) => item.error === undefined))('reads $input as Hydra does', (expected) => {
    const override = parseOverride(expected.input);
    const head = { input: override.input, type: types[override.kind], key: override.key, package: override.package };
    expect({ ...head, ...describeValue(override) }).toEqual(expected);
  });

  test.each(cases.filter((item) => item.error !== undefined && !(item.input in accepted)))(
    'refuses "$input" as Hydra does',
    ({ input }) => {
      expect(() => parseOverride(input)).toThrow(expect.objectContaining({ code: 'BAD_OVERRIDE' }));
    },
  );

  test.each(Object.entries(accepted))('takes %s, which Hydra refuses, as text (deliberate)', (input, text) => {
    expect(cases.find((item) => item.input === input)?.error).toBeDefined();
    expect(parseOverride(input).value).toMatchObject({ kind: 'scalar', type: 'string', value: text });
  });
});

describe('what the grammar takes beyond Hydra', () => {
  test.each([
    ["text=It's raining in München!", "It's raining in München!"],
    ['text=Trump & Biden; 50% <b>', 'Trump & Biden; 50% <b>'],
    ['text=選挙 2026', '選挙 2026'],
    ['text=say "hi"', 'say "hi"'],
    ['text=🔥 news', '🔥 news'],
  ])('%s is plain text', (input, text) => {
    expect(parseOverride(input).value).toMatchObject({ type: 'string', value: text });
  });

  test('an interpolation may hold another one, and braces', () => {
    expect(parseOverride('a=${oc.env:X_${b}}').value).toMatchObject({ value: '${oc.env:X_${b}}' });
    expect(parseOverride('a=${oc.create:{b: 1}}').value).toMatchObject({ value: '${oc.create:{b: 1}}' });
  });
});

describe('values written back', () => {
  test.each(['a', 'a b', "it's", 'a=b', 'a,b', 'C:\\x', '1.8', 'null', '', ' x', 'é#', '[x', '"', "\\'", 'a\\'])(
    'the text %j comes back the same',
    (text) => {
      const node: ConfigNode = { kind: 'scalar', type: 'string', value: text, text, origin: '' };
      expect(parseOverride(`k=${formatElement(node, 'written')}`).value).toMatchObject({ type: 'string', value: text });
    },
  );

  test('numbers keep their zeros', () => {
    const { value } = parseOverride('v=1.10,1.20');
    expect(sweepValues(value as Sweep, () => []).map((node) => formatElement(node, 'written'))).toEqual([
      '1.10',
      '1.20',
    ]);
  });

  test('a float range has decimal steps without drift', () => {
    const { value } = parseOverride('a=range(0,0.9,0.3)');
    expect(sweepValues(value as Sweep, () => []).map((node) => formatElement(node))).toEqual(['0.0', '0.3', '0.6']);
  });
});
