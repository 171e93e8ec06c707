import { describe, expect, test } from 'vitest';
import { toPlain } from '../src/tree/node.ts';
import { readYaml } from '../src/tree/yaml-source.ts';
import { toYaml } from '../src/tree/yaml-text.ts';

const read = (text: string) => readYaml(text, 'configs/a.yaml');

describe('reading YAML', () => {
  test('remembers the line of every value', () => {
    const { root } = read('# comment\na: 1\nb:\n  c: [x, y]\n');
    expect(root).toMatchObject({ kind: 'map' });
    expect(root.kind === 'map' && root.entries.get('a')?.origin).toBe('configs/a.yaml:2');
    const inner = root.kind === 'map' ? root.entries.get('b') : undefined;
    expect(inner?.kind === 'map' && inner.entries.get('c')?.origin).toBe('configs/a.yaml:4');
  });

  test('keeps how a number was written', () => {
    const { root } = read('version: 1.10\nrate: 2e-5\n');
    expect(root.kind === 'map' && root.entries.get('version')).toMatchObject({
      value: 1.1,
      text: '1.10',
      type: 'float',
    });
    expect(toPlain(root)).toEqual({ version: 1.1, rate: 2e-5 });
  });

  test.each(['yes', 'no', 'on', 'Off', 'y', 'N'])('warns of the YAML 1.1 boolean %s', (word) => {
    const { root, warnings } = read(`a: ${word}`);
    expect(toPlain(root)).toEqual({ a: word });
    expect(warnings).toEqual([
      expect.stringContaining(`configs/a.yaml:1: ${word} is the text "${word}" in YAML 1.2; write`),
    ]);
  });

  test('does not warn of the same word in quotes', () => {
    expect(read('a: "yes"').warnings).toEqual([]);
  });

  test('anchors, aliases and merge keys work', () => {
    expect(toPlain(read('base: &b {x: 1, y: 2}\nmore:\n  <<: *b\n  y: 3\ncopy: *b\n').root)).toEqual({
      base: { x: 1, y: 2 },
      more: { x: 1, y: 3 },
      copy: { x: 1, y: 2 },
    });
  });

  test.each([
    ['# @package _global_\na: 1', '_global_'],
    ['# what it is\n# @package foo.bar\na: 1', 'foo.bar'],
    ['a: 1\n# @package no', null],
  ])('the package header of %j is %s', (text, header) => {
    expect(read(text).packageHeader).toBe(header);
  });

  test.each([
    ['a: [1\n', 'configs/a.yaml:2 is not valid YAML'],
    ['a: 1\na: 2\n', 'configs/a.yaml:2 is not valid YAML: Map keys must be unique'],
  ])('%j is refused with its line', (text, message) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'BAD_YAML', message: expect.stringContaining(message) }),
    );
  });
});

describe('writing YAML', () => {
  test.each([
    'a: 1.10\nb: 2.0e-5\nc: true\nd: null\ne: text\n',
    'a:\n- 1\n- x: 1\n  y:\n  - 2\n- []\nb: {}\n',
    'a: "1.10"\nb: "yes"\nc: "true"\nd: "null"\ne: "12:30"\nf: ""\n',
    'a: ${b}\nb: "line\\nbreak"\n0: REAL\n',
  ])('%j comes back as it was', (text) => {
    expect(toYaml(read(text).root)).toBe(text);
  });
});
