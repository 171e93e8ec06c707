import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  compose,
  distributionJson,
  drawnText,
  HydraError,
  parseOverride,
  probes,
  searchSpace,
  storedNode,
  toPlain,
  trialOverrides,
} from '../src/index.ts';

/** Made by scripts/golden/optuna_sweeper.py with the real plugin. */
const golden = JSON.parse(readFileSync(path.join(import.meta.dirname, 'fixtures/optuna-sweeper.json'), 'utf8')) as {
  defaults: { sweeper: Record<string, unknown>; samplers: Record<string, Record<string, unknown>> };
  distributions: Record<string, { name: string; attributes: object } | { fixed: string }>;
};

const spaceOf = (inputs: string[], params?: Record<string, string>) =>
  searchSpace(inputs.map(parseOverride), params, (group) => (group === 'model' ? ['lite', 'tiny'] : []));

describe('a search space', () => {
  test.each(Object.entries(golden.distributions))('of %s is what hydra-optuna-sweeper makes of it', (input, made) => {
    const { params, fixed } = spaceOf([input]);
    const isFixed = 'fixed' in made;
    expect([...params.values()].map((of) => JSON.parse(distributionJson(of)))).toEqual(isFixed ? [] : [made]);
    expect(fixed.map((override) => override.input)).toEqual(isFixed ? [input] : []);
  });

  test('keeps the types of its numbers, which JSON of JavaScript would lose', () => {
    const json = (input: string) => distributionJson([...spaceOf([input]).params.values()][0] as never);
    expect(json('a=choice(1.0,1,1e-5)')).toContain('"choices":[1.0,1,1e-05]');
    expect(json('a=interval(0,1)')).toContain('"low":0.0,"high":1.0');
    expect(json('a=range(0,3)')).toContain('"low":0,"high":2');
  });

  test('has the params of the sweeper, and what was typed before them', () => {
    const space = spaceOf(['b=3', 'c=1,2', '~d', 'hydra.sweep.dir=x'], { a: 'interval(0,1)', b: '1,2', c: 'range(9)' });
    expect([...space.params.keys()]).toEqual(['a', 'c']);
    expect(space.fixed.map(({ input }) => input)).toEqual(['b=3', '~d']);
    expect(trialOverrides(space, { a: 0.25, c: 1 })).toEqual(['a=0.25', 'c=2', 'b=3', '~d']);
  });

  test('writes what was drawn so that it is read back as it was meant', () => {
    const [of] = spaceOf(["a=choice('x, y',true,null,[1,2],1.10)"]).params.values();
    const texts = [0, 1, 2, 3, 4].map((drawn) => drawnText(of as never, drawn));
    expect(texts).toEqual(["'x, y'", 'true', 'null', '[1,2]', '1.10']);
    const stored = [0, 1, 2, 3].map((drawn) => toPlain(storedNode(of as never, drawn)));
    expect(stored).toEqual(['x, y', true, 'null', '[1,2]']);
  });

  test('takes a glob, whole numbers by logarithm, and the same order of choices each time', () => {
    const json = (input: string) => JSON.parse(distributionJson([...spaceOf([input]).params.values()][0] as never));
    expect(json('model=glob(*)').attributes.choices).toEqual(['lite', 'tiny']);
    expect(json('a=tag(log,range(1,100))').attributes).toMatchObject({ log: true, low: 1, high: 99 });
    expect(json('a=shuffle(1,2,3,4,5,6)').attributes.choices).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test.each([
    ['a=range(3,3)', 'has no value'],
    ['a=interval(2,1)', 'from a smaller to a larger number'],
    ['a=interval(0,inf)', 'from a smaller to a larger number'],
    ['a=tag(log,interval(0,1))', 'needs an interval above 0'],
    ['a=tag(log,range(0,9,3))', 'whole numbers with step 1'],
  ])('refuses %s', (input, message) => {
    expect(() => spaceOf([input])).toThrow(HydraError);
    expect(() => spaceOf([input])).toThrow(message);
  });

  test('is shown whole by a few draws: every choice, both ends, and a value between', () => {
    const space = spaceOf(['a=choice(x,y,z)', 'b=interval(0,1)', 'c=5']);
    expect(probes(space).map((drawn) => trialOverrides(space, drawn).join(' '))).toEqual([
      'a=x b=0.0 c=5',
      'a=y b=0.0 c=5',
      'a=z b=0.0 c=5',
      'a=x b=1.0 c=5',
      `a=x b=${1 / Math.PI} c=5`,
    ]);
  });
});

describe('hydra/sweeper=optuna', () => {
  const sweeperOf = (...overrides: string[]) => {
    const dir = path.join(import.meta.dirname, 'fixtures/empty');
    const { hydra } = compose({
      configName: 'config',
      sources: [{ provider: 'main', dir }],
      overrides: ['hydra/sweeper=optuna', ...overrides],
    });
    return (toPlain(hydra) as { sweeper: Record<string, unknown> }).sweeper;
  };

  test('has the keys and defaults of the plugin, and pruner and metric', () => {
    const { sampler, pruner, metric, ...sweeper } = sweeperOf();
    expect(sweeper).toEqual(golden.defaults.sweeper);
    expect([sampler, metric]).toEqual([golden.defaults.samplers['tpe'], null]);
    expect(pruner).toEqual({ _target_: 'optuna.pruners.NopPruner' });
  });

  test.each(Object.keys(golden.defaults.samplers))('has its sampler %s', (name) => {
    expect(sweeperOf(`hydra/sweeper/sampler=${name}`)['sampler']).toEqual(golden.defaults.samplers[name]);
  });
});
