import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../src/interpolation/interpolator.ts';
import { formatTime } from '../src/interpolation/time-format.ts';
import { toPlain } from '../src/tree/node.ts';
import { readYaml } from '../src/tree/yaml-source.ts';

function resolve(yaml: string, env: NodeJS.ProcessEnv = {}) {
  return toPlain(
    resolveConfig(readYaml(yaml, 'test.yaml').root, { env, now: new Date(2026, 10, 21, 7, 5, 9) }),
  ) as Record<string, unknown>;
}

describe('interpolation', () => {
  test('a value that is one interpolation keeps its type, a longer one becomes text as Python prints it', () => {
    const values = resolve(
      'i: 1\nf: 1e-5\nb: true\nn: null\none: ${f}\nlist: [1, a]\nall: "${i} ${f} ${b} ${n} ${list}"',
    );
    expect(values.one).toBe(1e-5);
    expect(values.all).toBe("1 1e-05 True None [1, 'a']");
  });

  test('relative keys count dots from the container of the value', () => {
    expect(resolve('top: 1\na: {v: 2, b: {v: 3, here: "${.v}", up: "${..v}", upper: "${...top}"}}').a).toEqual({
      v: 2,
      b: { v: 3, here: 3, up: 2, upper: 1 },
    });
  });

  test('a container that is referred to is resolved where it stands', () => {
    expect(resolve('a: {v: 1, w: "${.v}"}\nb: {v: 2, copy: "${a}"}').b).toEqual({ v: 2, copy: { v: 1, w: 1 } });
  });

  test('keys can be built from other keys, in brackets or not', () => {
    expect(resolve('which: b\na: {b: 5}\nx: "${a.${which}}"\ny: "${a[${which}]}"\nz: "${a[b]}"')).toMatchObject({
      x: 5,
      y: 5,
      z: 5,
    });
  });

  test('a path may lead through an interpolation', () => {
    expect(resolve('a: {v: 1}\nb: ${a}\nc: ${b.v}').c).toBe(1);
  });

  test('\\${ is text, and a backslash before an interpolation is written twice', () => {
    expect(resolve("a: 1\nx: '\\${a}'\ny: '\\\\${a}'\nz: 'C:\\dir'")).toMatchObject({
      x: '${a}',
      y: '\\1',
      z: 'C:\\dir',
    });
  });

  test('text that came out of an escape is not resolved again when it is referred to', () => {
    expect(resolve("a: '\\${b}'\nb: 1\nc: ${a}\nd: {e: '${a}'}\nf: ${d}")).toMatchObject({
      c: '${b}',
      f: { e: '${b}' },
    });
  });

  test('oc.env gives text, its default too; null stays null', () => {
    const yaml =
      'a: ${oc.env:A}\nb: ${oc.env:B,5}\nc: ${oc.env:C,null}\nd: ${oc.decode:${oc.env:A}}\ne: ${oc.env:B_${a},x}';
    expect(resolve(yaml, { A: '7' })).toEqual({ a: '7', b: '5', c: null, d: 7, e: 'x' });
  });

  test('oc.select, oc.create, oc.dict.keys and oc.dict.values', () => {
    expect(
      resolve(
        'd: {a: 1, b: 2}\ns: ${oc.select:d.a}\nr: {x: "${oc.select:..d.b}"}\nn: ${oc.select:nope}\nc: "${oc.create:{k: [1,2]}}"\nk: ${oc.dict.keys:d}\nv: ${oc.dict.values:d}',
      ),
    ).toMatchObject({ s: 1, r: { x: 2 }, n: null, c: { k: [1, 2] }, k: ['a', 'b'], v: [1, 2] });
  });

  test('oc.decode reads the grammar of values', () => {
    expect(resolve('a: "${oc.decode:\'[1, 2.5, true, null, {x: y}]\'}"\nb: ${oc.decode:null}')).toEqual({
      a: [1, 2.5, true, null, { x: 'y' }],
      b: null,
    });
  });

  test('now is one moment for the whole config', () => {
    expect(resolve('a: ${now:%Y-%m-%d}/${now:%H-%M-%S}').a).toBe('2026-11-21/07-05-09');
  });

  test.each([
    ['%y%m%d', '261121'],
    ['%A %a %B %b', 'Saturday Sat November Nov'],
    ['%I%p %j %f %%', '07AM 325 000000 %'],
    ['%Q', '%Q'],
  ])('the time format %s', (format, text) => {
    expect(formatTime(new Date(2026, 10, 21, 7, 5, 9), format)).toBe(text);
  });

  test.each([
    ['a: ${b}\nb: ${a}', 'a → b → a refers to itself'],
    ['a: ${nope}\nnope2: 1', '${nope} refers to nope, which does not exist; did you mean nope2? (in a, test.yaml:1)'],
    [
      'a: ${oc.env:NOT_SET}',
      'the environment variable NOT_SET is not set; set it, or give a default: ${oc.env:NOT_SET,DEFAULT}',
    ],
    ['a: ${unknown:1}', 'uses the unknown resolver unknown; known: hydra, now, oc.create'],
    ['a: ${b', 'cannot read the interpolation in "${b": it ends too early'],
    ['a: ${....b}', '${....b} goes above the top of the config'],
    ['a: ${hydra:job.name}', '${hydra:job.name} has a value only in a run'],
  ])('%j is refused with a reason', (yaml, message) => {
    expect(() => resolve(yaml)).toThrow(
      expect.objectContaining({ code: 'INTERPOLATION', message: expect.stringContaining(message) }),
    );
  });

  test('a value that must be given cannot be referred to', () => {
    expect(() => resolve('a: ???\nb: ${a}')).toThrow(
      expect.objectContaining({ code: 'MISSING', message: expect.stringContaining('add a=VALUE') }),
    );
  });
});
