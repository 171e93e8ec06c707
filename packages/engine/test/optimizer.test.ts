import { CrosscheckError, createRandom } from '@crosscheck/contract';
import { hasOwnKernels, tf } from '@crosscheck/tensorflow';
import { expectClose, expectNoLeak } from '@crosscheck/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { type AdamOptions, type AdamStep, adamDefaults, type Optimizer } from '../src/index.ts';
import { createOptimizer } from '../src/optimizer/adam.ts';
import type { AdamKernels } from '../src/optimizer/adam-kernels.ts';
import { composedAdam } from '../src/optimizer/composed-adam.ts';
import { ownAdam } from '../src/optimizer/own-adam.ts';

const open: { dispose(): void }[] = [];
afterEach(() => {
  for (const resource of open.splice(0)) resource.dispose();
});

function owned<T extends { dispose(): void }>(resource: T): T {
  open.push(resource);
  return resource;
}

const variables = (values: Record<string, number[]>) =>
  new Map(Object.entries(values).map(([name, value]) => [name, owned(tf.variable(tf.tensor1d(value)))]));

function step(optimizer: Optimizer, held: Map<string, tf.Variable>, gradients: Record<string, number[]>, options = {}) {
  const tensors = new Map(Object.entries(gradients).map(([name, value]) => [name, tf.tensor1d(value)]));
  const result = optimizer.step(held, tensors, { learningRate: 0.1, ...options });
  tf.dispose([...tensors.values()]);
  return result;
}

const valuesOf = (held: Map<string, tf.Variable>, name: string) => [...(held.get(name) as tf.Variable).dataSync()];

const kernelSets: [string, AdamKernels][] = [["TensorFlow's", composedAdam as AdamKernels]];
if (hasOwnKernels) kernelSets.push(['our own', ownAdam as AdamKernels]);

describe.each(kernelSets)('on %s kernels', (_, kernels) => {
  const adam = (options?: Partial<AdamOptions>) =>
    owned(createOptimizer({ ...adamDefaults, weightDecay: 0, ...options }, false, kernels));
  const adamW = (options?: Partial<AdamOptions>) =>
    owned(createOptimizer({ ...adamDefaults, ...options }, true, kernels));

  test('the first step of Adam moves every weight by the learning rate, whatever the size of its gradient', () => {
    const held = variables({ w: [1, 1, 1] });
    step(adam(), held, { w: [1e-3, 5, -700] });
    expectClose(valuesOf(held, 'w'), [0.9, 0.9, 1.1], { maxAbs: 2e-6 });
  });

  test('AdamW decays apart from the gradient, Adam inside it', () => {
    const held = variables({ a: [2], b: [2] });
    step(adamW({ weightDecay: 0.5 }), held, { a: [0] });
    step(adam({ weightDecay: 0.5 }), held, { b: [0] });
    expectClose(valuesOf(held, 'a'), [2 * (1 - 0.1 * 0.5)], { maxAbs: 1e-6 });
    expectClose(valuesOf(held, 'b'), [1.9], { maxAbs: 1e-6 });
  });

  test.each([undefined, 1])('sums become gradients by their scale, ahead of clipping to %s', (clipNorm) => {
    const held = [variables({ w: [2, 3] }), variables({ w: [2, 3] })] as const;
    const options = clipNorm === undefined ? {} : { clipNorm };
    const [mean, sum] = [adam({ weightDecay: 0.5 }), adam({ weightDecay: 0.5 })];
    const expected = step(mean, held[0], { w: [3, -4] }, options);
    expect(step(sum, held[1], { w: [24, -32] }, { ...options, gradientScale: 1 / 8 })).toEqual(expected);
    expect(expected.gradientNorm).toBeCloseTo(5, 6);
    expect(valuesOf(held[1], 'w')).toEqual(valuesOf(held[0], 'w'));
    expect(sum.state()).toEqual(mean.state());
  });

  test('names choose their own decay and learning rate', () => {
    const held = variables({ weight: [1], bias: [1], slow: [1] });
    const optimizer = adamW({
      weightDecay: 1,
      decays: (name) => name === 'weight',
      learningRateScale: (name) => (name === 'slow' ? 0.01 : 1),
    });
    step(optimizer, held, { weight: [0], bias: [0], slow: [3] });
    expectClose(
      [...held.keys()].map((name) => valuesOf(held, name)[0] as number),
      [0.9, 1, 0.999],
      { maxAbs: 1e-6 },
    );
  });

  test('gradients are scaled down together to the norm asked for, and only down', () => {
    const moments = (clipNorm: number) => {
      const optimizer = adam();
      const held = variables({ a: [0], b: [0] });
      const { gradientNorm } = step(optimizer, held, { a: [3], b: [4] }, { clipNorm });
      const { firstMoments } = optimizer.state();
      return [gradientNorm, firstMoments.get('a')?.[0], firstMoments.get('b')?.[0]] as number[];
    };
    expectClose(moments(1), [5, 0.06, 0.08], { maxAbs: 1e-6 });
    expectClose(moments(10), [5, 0.3, 0.4], { maxAbs: 1e-6 });
  });

  test('a schedule may give beta1 for a step', () => {
    const optimizer = adam();
    step(optimizer, variables({ a: [0] }), { a: [1] }, { beta1: 0.5 });
    expect(optimizer.state().firstMoments.get('a')).toEqual(Float32Array.of(0.5));
  });

  test('gradients that are not finite change nothing', () => {
    const optimizer = adamW();
    const held = variables({ a: [1], b: [1] });
    const result = step(optimizer, held, { a: [Number.NaN], b: [1] });
    expect(result).toEqual({ gradientNorm: Number.NaN, applied: false });
    expect([valuesOf(held, 'a'), valuesOf(held, 'b'), optimizer.state().steps]).toEqual([[1], [1], {}]);
  });

  test('moments belong to names: a variable that joins later starts its own count', () => {
    const together = adamW();
    const held = variables({ a: [1], b: [1] });
    step(together, held, { a: [1] });
    step(together, held, { b: [2], a: [1] });
    expect(together.state().steps).toEqual({ a: 2, b: 1 });
    const alone = variables({ b: [1] });
    step(adamW(), alone, { b: [2] });
    expect(valuesOf(held, 'b')).toEqual(valuesOf(alone, 'b'));
  });

  test('a restored optimizer goes on bit for bit', () => {
    const gradient = (i: number) => ({ a: [Math.sin(i), i], b: [1 / (i + 1), -i] });
    const straight = variables({ a: [1, 2], b: [3, 4] });
    const interrupted = variables({ a: [1, 2], b: [3, 4] });
    const [first, second, third] = [adamW(), adamW(), adamW()];
    for (let i = 0; i < 6; i++) step(first, straight, gradient(i), { clipNorm: 1 });
    for (let i = 0; i < 3; i++) step(second, interrupted, gradient(i), { clipNorm: 1 });
    const state = second.state();
    const copy = structuredClone(state);
    step(third, interrupted, {}); // an optimizer that has been used already
    third.restore(state, interrupted);
    for (let i = 3; i < 6; i++) step(third, interrupted, gradient(i), { clipNorm: 1 });
    for (const name of ['a', 'b']) expect(valuesOf(interrupted, name)).toEqual(valuesOf(straight, name));
    expect(third.state()).toEqual(first.state());
    expect(state, 'the state that was handed in stays as it was').toEqual(copy);
  });

  test('a tensor that was read from a variable before a step keeps its values', () => {
    for (const optimizer of [adam(), adamW()]) {
      const held = variables({ a: [1, 2] });
      step(optimizer, held, { a: [1, 1] });
      const before = owned(tf.clone(held.get('a') as tf.Variable));
      const values = [...before.dataSync()];
      step(optimizer, held, { a: [1, 1] });
      expect([...before.dataSync()]).toEqual(values);
      expect(valuesOf(held, 'a')).not.toEqual(values);
    }
  });

  test('a gradient of something unknown is refused', () => {
    const unknown = () => step(adam(), variables({ a: [1] }), { other: [1] });
    expect(unknown).toThrow(CrosscheckError);
    expect(unknown).toThrow(/got "other"/);
  });

  test('a state that does not fit its variables is refused', () => {
    const optimizer = adamW();
    const held = variables({ a: [1, 2] });
    const moments = new Map([['a', Float32Array.of(1)]]);
    const restore = () => optimizer.restore({ steps: { a: 3 }, firstMoments: moments, secondMoments: new Map() }, held);
    expect(restore).toThrow(/moments of 2 elements for "a", got 1/);
  });

  test('room made before the first step changes no step and is no part of the state', () => {
    const [prepared, plain] = [adamW(), adamW()];
    const [first, second] = [variables({ a: [1, 2], b: [3] }), variables({ a: [1, 2], b: [3] })];
    prepared.prepare(first, ['a', 'b']);
    expect(prepared.state()).toEqual(plain.state());
    expect(prepared.moments()).toEqual([]);
    for (const [optimizer, held] of [
      [prepared, first],
      [plain, second],
    ] as const)
      step(optimizer, held, { a: [1, -1] });
    expect(prepared.state()).toEqual(plain.state());
    expect(valuesOf(first, 'a')).toEqual(valuesOf(second, 'a'));
    expect(valuesOf(first, 'b')).toEqual([3]);
  });

  test('steps keep moments for each variable and leave nothing behind', async () => {
    const optimizer = createOptimizer(adamDefaults, true, kernels);
    const kept = kernels === ownAdam ? 4 : 6; // TensorFlow's kernel changes a copy of the weight
    const held = variables({ a: [1, 2], b: [3] });
    const use = () => step(optimizer, held, { a: [1, 1], b: [1] }, { clipNorm: 0.1 });
    await expectNoLeak(tf, use, kept);
    await expectNoLeak(tf, () => [use(), use(), optimizer.state(), optimizer.restore(optimizer.state(), held)]);
    await expectNoLeak(tf, () => optimizer.dispose(), -kept);
  });
});

// TensorFlow computes 1 − β₂ in float32, with a relative error of 1e-5.
const allowed = { maxAbs: 1e-5 };

describe.skipIf(!hasOwnKernels)('our own kernels equal those of TensorFlow', () => {
  const shapes = [[1], [3], [15, 7], [64, 33], [300, 500], [2, 3, 5, 7]];
  const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', 1 + seed); // 0 is no seed

  test.each([true, false])('over steps, shapes and numbers; decoupled decay: %s', (isDecoupled) => {
    const random = createRandom(1, 'adam');
    const options = { ...adamDefaults, weightDecay: 0.1, learningRateScale: (name: string) => 1 + Number(name) };
    const sides = [composedAdam, ownAdam].map((kernels) => ({
      optimizer: owned(createOptimizer(options, isDecoupled, kernels as AdamKernels)),
      held: new Map(shapes.map((shape, i) => [String(i), owned(tf.variable(normal(shape, i)))])),
    }));
    for (let i = 0; i < 5; i++) {
      const numbers: AdamStep = {
        learningRate: 0.01,
        beta1: random.uniform(0.5, 0.95),
        clipNorm: random.uniform(10, 900),
      };
      const gradients = new Map(shapes.map((shape, j) => [String(j), normal(shape, 10 * i + j)]));
      const norms = sides.map(({ optimizer, held }) => optimizer.step(held, gradients, numbers).gradientNorm);
      expect((norms[1] as number) / (norms[0] as number)).toBeCloseTo(1, 6);
      tf.dispose([...gradients.values()]);
    }
    const [theirs, ours] = sides.map(({ optimizer, held }) => ({ held, ...optimizer.state() }));
    for (const name of ours?.held.keys() ?? []) {
      const weights = [ours, theirs].map((side) => side?.held.get(name)?.dataSync() as Float32Array);
      expectClose(weights[0] as Float32Array, weights[1] as Float32Array, allowed);
      for (const moments of ['firstMoments', 'secondMoments'] as const) {
        const [own, composed] = [ours, theirs].map((side) => side?.[moments].get(name) as Float32Array);
        expectClose(own as Float32Array, composed as Float32Array, allowed);
      }
    }
  });
});
