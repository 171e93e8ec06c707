// The ways in which picture and words come together.
import { type Architecture, type Batch, fusionNames } from '@crosscheck/contract';
import {
  countParameters,
  type DropoutRates,
  defaultDropout,
  parameterNames,
  summarise,
  summary,
} from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { difference, expectNoLeak } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import { createAdamW, createModel, loadWeights, type Model } from '../src/index.ts';
import { formulaBatch, formulaCheckpoint, noDropout, sizes } from './formula.ts';

type Strategy = Architecture['fusion'];
const { tiny } = sizes;
const architectureOf = (fusion: Strategy, missingModality: Architecture['missingModality'] = 'none'): Architecture => ({
  ...tiny.architecture,
  fusion,
  missingModality,
});
const batch = formulaBatch(tiny, [12, 7, 9, 12]);
const bothFrozen = { vision: true, text: true };

async function openModel(architecture: Architecture, engine: 'oracle' | 'fast', dropout = noDropout): Promise<Model> {
  const model = createModel({ architecture, dropout, batchNormMomentum: 0.1, seed: 7, engine });
  await loadWeights(model, formulaCheckpoint(architecture));
  return model;
}

describe('parameters', () => {
  test('that they add stand before the classifier in a checkpoint', () => {
    const added = (fusion: Strategy) => {
      const before = new Set(parameterNames(tiny.architecture).map(({ name }) => name));
      return parameterNames(architectureOf(fusion)).filter(({ name }) => !before.has(name));
    };
    expect(added('gated').map(({ name, shape }) => `${name} ${shape.join()}`)).toEqual([
      'fusion.gated.image.weight 24,24',
      'fusion.gated.image.bias 24',
      'fusion.gated.text.weight 24,24',
      'fusion.gated.text.bias 24',
      'fusion.gated.balance.weight 24,48',
      'fusion.gated.balance.bias 24',
    ]);
    expect(added('bilinear')).toHaveLength(4);
    expect(added('cross_attention')).toHaveLength(20);
    expect(parameterNames(architectureOf('bilinear')).find(({ name }) => name === 'fusion.0.weight')?.shape).toEqual([
      16, 24,
    ]);
  });

  test.each(fusionNames)('of %s stand in the summary and add up', (fusion) => {
    const architecture = architectureOf(fusion, 'learned');
    const rows = summarise(architecture, 48);
    const total = rows.reduce((sum, { parameters }) => sum + parameters, 0);
    expect(total).toBe(countParameters({ architecture }).total);
    expect(summary({ architecture }, bothFrozen, 48)).toContain('fusion.no_image');
  });

  test('of norms start at 1 and 0', () => {
    const model = createModel({
      architecture: architectureOf('cross_attention'),
      dropout: noDropout,
      batchNormMomentum: 0.1,
      seed: 1,
    });
    const values = (name: string) => [
      ...(model.variables.get(`fusion.cross_attention.text.norm.${name}`)?.dataSync() ?? []),
    ];
    expect([values('weight'), values('bias')]).toEqual([[...new Float32Array(24).fill(1)], [...new Float32Array(24)]]);
    model.dispose();
  });
});

describe.each(fusionNames)('%s: the fast engine equals the oracle', (fusion) => {
  const partial = { ...batch, hasImage: Float32Array.of(1, 0, 1, 1), hasText: Float32Array.of(1, 1, 0, 1) };
  const whole = { name: 'whole posts', input: batch, dropout: noDropout, freeze: { vision: false, text: false } };
  test.each<{ name: string; input: Batch; dropout: DropoutRates; freeze: typeof bothFrozen }>([
    whole,
    { ...whole, name: 'dropout', dropout: defaultDropout },
    { ...whole, name: 'posts without a part', input: partial, dropout: defaultDropout },
    { ...whole, name: 'frozen backbones', freeze: bothFrozen },
  ])('$name', async ({ input, dropout, freeze }) => {
    await expectNoLeak(tf, async () => {
      const architecture = architectureOf(fusion, 'learned');
      const plain = await openModel(architecture, 'oracle', dropout);
      const fast = await openModel(architecture, 'fast', dropout);
      expect(difference(fast.predictLogits(input), plain.predictLogits(input)).maxAbs).toBeLessThan(1e-4);
      const expected = plain.computeGradients(input, { seed: 3, freeze });
      const actual = fast.computeGradients(input, { seed: 3, freeze });
      expect(actual.loss).toBeCloseTo(expected.loss, 5);
      expectSameGradients(actual.gradients, expected.gradients);
      for (const held of [expected, actual, plain, fast]) held.dispose();
    });
  });
});

type Gradients = ReadonlyMap<string, tf.Tensor>;

function expectSameGradients(actual: Gradients, expected: Gradients): void {
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  for (const [name, gradient] of expected) {
    const oracle = gradient.dataSync() as Float32Array;
    const largest = oracle.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const ours = actual.get(name)?.dataSync() ?? [];
    expect(difference(ours, oracle).maxAbs, name).toBeLessThanOrEqual(2e-6 + 2e-4 * largest);
  }
}

/** Weights and features as plain numbers, for formulas written out. */
function numbersOf(model: Model) {
  const rows = (values: Float32Array, width: number) =>
    Array.from({ length: values.length / width }, (_, i) => [...values.subarray(i * width, (i + 1) * width)]);
  const linear = (name: string, x: number[]) => {
    const [weight, bias] = [`${name}.weight`, `${name}.bias`].map(
      (n) => model.variables.get(n)?.dataSync() as Float32Array,
    );
    return rows(weight as Float32Array, x.length).map((w, o) =>
      w.reduce((sum, v, i) => sum + v * (x[i] as number), bias?.[o] ?? 0),
    );
  };
  const relu = (x: number[]) => x.map((v) => Math.max(v, 0));
  const project = (branch: string, x: number[]) =>
    linear(`${branch}_branch.projection.3`, relu(linear(`${branch}_branch.projection.0`, x)));
  const classify = (x: number[]) =>
    linear('fusion.6', relu(linear('fusion.3', relu(linear('fusion.0', x)))))[0] as number;
  const { vision, text } = model.encode(batch);
  const images = rows(vision, tiny.architecture.vision.headChannels).map((x) => project('vision', x));
  const words = rows(text, tiny.architecture.text.hiddenSize).map((x) => project('text', x));
  return { linear, classify, posts: images.map((image, i) => ({ image, words: words[i] as number[] })) };
}

describe('the formula', () => {
  const tanh = (x: number[]) => x.map(Math.tanh);

  test('of gated weighs both parts feature by feature', async () => {
    const model = await openModel(architectureOf('gated'), 'fast');
    const { linear, classify, posts } = numbersOf(model);
    const expected = posts.map(({ image, words }) => {
      const balance = linear('fusion.gated.balance', [...image, ...words]).map((x) => 1 / (1 + Math.exp(-x)));
      const [v, t] = [tanh(linear('fusion.gated.image', image)), tanh(linear('fusion.gated.text', words))];
      return classify(balance.map((z, i) => z * (v[i] as number) + (1 - z) * (t[i] as number)));
    });
    expect(difference(model.predictLogits(batch), expected).maxAbs).toBeLessThan(1e-5);
    model.dispose();
  });

  test('of bilinear multiplies both parts feature by feature', async () => {
    const model = await openModel(architectureOf('bilinear'), 'fast');
    const { linear, classify, posts } = numbersOf(model);
    const expected = posts.map(({ image, words }) => {
      const [v, t] = [tanh(linear('fusion.bilinear.image', image)), tanh(linear('fusion.bilinear.text', words))];
      return classify(v.map((x, i) => x * (t[i] as number)));
    });
    expect(difference(model.predictLogits(batch), expected).maxAbs).toBeLessThan(1e-5);
    model.dispose();
  });
});

describe('cross_attention', () => {
  const architecture = architectureOf('cross_attention', 'learned');

  test('does not see padding', async () => {
    const model = await openModel(architecture, 'fast');
    const alone = formulaBatch(tiny, [7]);
    const pad = (values: Int32Array, fill: number) =>
      Int32Array.from({ length: 12 }, (_, i) => (i < 7 ? (values[i] as number) : fill));
    const padded = {
      ...alone,
      length: 12,
      inputIds: pad(alone.inputIds, 9),
      attentionMask: pad(alone.attentionMask, 0),
    };
    expect(difference(model.predictLogits(padded), model.predictLogits(alone)).maxAbs).toBeLessThan(1e-5);
    model.dispose();
  });

  test('looks at regions: the same pixels in other places are another picture, and every part has a gradient', async () => {
    const model = await openModel(architecture, 'fast', defaultDropout);
    const alive = tf.memory().numTensors;
    const mirrored = { ...batch, image: batch.image.toReversed() };
    expect(difference(model.predictLogits(mirrored), model.predictLogits(batch)).maxAbs).toBeGreaterThan(1e-3);
    const result = model.computeGradients(batch, { seed: 1 });
    const names = [...result.gradients]
      .filter(([, gradient]) => gradient.dataSync().some((x) => x !== 0))
      .map(([name]) => name);
    // A bias of the keys moves all scores alike: its gradient is rounding noise or exactly 0.
    const expected = [...model.variables.keys()].filter((name) => !/no_image|no_text|(key|k_lin)\.bias/.test(name));
    expect(expected.filter((name) => !names.includes(name))).toEqual([]);
    result.dispose();
    expect(tf.memory().numTensors).toBe(alive);
    model.dispose();
  });

  test('gives gradients that finite differences confirm', async () => {
    const model = await openModel(architecture, 'fast');
    const step = { seed: 1, freeze: bothFrozen };
    for (const name of [
      'fusion.cross_attention.image.query.weight',
      'fusion.cross_attention.text.value.bias',
      'vision_branch.projection.3.weight',
    ]) {
      const variable = model.variables.get(name) as tf.Variable;
      const { gradients, ...result } = model.computeGradients(batch, step);
      const slope = gradients.get(name)?.dataSync() as Float32Array;
      const norm = Math.hypot(...slope);
      const lossAt = (distance: number) => {
        const before = variable.clone();
        tf.tidy(() => variable.assign(tf.add(variable, tf.mul(gradients.get(name) as tf.Tensor, distance / norm))));
        const moved = model.computeGradients(batch, step);
        moved.dispose();
        variable.assign(before);
        before.dispose();
        return moved.loss;
      };
      const measured = (lossAt(0.01) - lossAt(-0.01)) / 0.02;
      expect(Math.abs(measured - norm) / norm, name).toBeLessThan(0.02);
      result.dispose();
    }
    model.dispose();
  });

  test('does not look at what a post lacks', async () => {
    const model = await openModel(architecture, 'fast');
    const input = { ...batch, hasImage: Float32Array.of(0, 1, 1, 1), hasText: Float32Array.of(1, 0, 1, 1) };
    const other = {
      ...input,
      image: batch.image.slice().fill(0.5, 0, batch.image.length / 4),
      inputIds: batch.inputIds.slice().fill(3, 12, 24),
    };
    expect(difference(model.predictLogits(other), model.predictLogits(input)).maxAbs).toBeLessThan(1e-6);
    expect(difference(model.predictLogits(input), model.predictLogits(batch)).maxAbs).toBeGreaterThan(1e-3);
    model.dispose();
  });

  test.each(['oracle', 'fast'] as const)(
    'judges and learns from features of regions and tokens: %s',
    async (engine) => {
      const model = await openModel(architecture, engine);
      const { size, length, attentionMask, label } = batch;
      const features = model.encode(batch);
      const given = { size, length, attentionMask, label, features };
      expect([features.vision.length % size, features.text.length]).toEqual([0, size * length * 32]);
      expect(difference(model.predictLogitsFromFeatures(given), model.predictLogits(batch)).maxAbs).toBeLessThan(1e-5);
      const freeze = bothFrozen;
      const [expected, actual] = [batch, given].map((input) => model.computeGradients(input, { seed: 1, freeze }));
      expectSameGradients((actual as typeof expected)?.gradients as Gradients, expected?.gradients as Gradients);
      const message = /expected length and attentionMask beside the features of tokens/;
      expect(() => model.predictLogitsFromFeatures({ size, features })).toThrow(message);
      for (const held of [expected, actual, model]) held?.dispose();
    },
  );
});

test.each(fusionNames)('%s learns one batch by heart', async (fusion) => {
  const model = createModel({
    architecture: architectureOf(fusion),
    dropout: noDropout,
    batchNormMomentum: 0.1,
    seed: 2,
  });
  const optimizer = createAdamW();
  const losses = Array.from({ length: 40 }, (_, i) => {
    const step = model.computeGradients(batch, { seed: i, freeze: bothFrozen });
    optimizer.step(model.variables, step.gradients, { learningRate: 0.01 });
    step.dispose();
    return step.loss;
  });
  expect(losses[0]).toBeGreaterThan(0.5);
  expect(losses.at(-1)).toBeLessThan(0.05);
  optimizer.dispose();
  model.dispose();
});
