// Posts without a picture or without words: learned vectors stand in for what they lack.
import { type Architecture, architectureSchema } from '@crosscheck/contract';
import { countParameters, defaultDropout, parameterNames } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { difference, expectNoLeak } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import { createModel, loadWeights, type Model, type TrainingInput } from '../src/index.ts';
import { formulaBatch, formulaCheckpoint, noDropout, sizes } from './formula.ts';

const { tiny } = sizes;
const learned: Architecture = { ...tiny.architecture, missingModality: 'learned' };
const batch = formulaBatch(tiny, [12, 7, 9, 12]);
const partial = { ...batch, hasImage: Float32Array.of(1, 0, 1, 1), hasText: Float32Array.of(1, 1, 0, 1) };

async function openModel(engine: 'oracle' | 'fast', architecture = learned, dropout = noDropout): Promise<Model> {
  const model = createModel({ architecture, dropout, batchNormMomentum: 0.1, seed: 7, engine });
  await loadWeights(model, formulaCheckpoint(architecture));
  return model;
}

async function withModels(body: (plain: Model, fast: Model) => void, dropout = noDropout): Promise<void> {
  await expectNoLeak(tf, async () => {
    const [plain, fast] = [await openModel('oracle', learned, dropout), await openModel('fast', learned, dropout)];
    body(plain, fast);
    for (const model of [plain, fast]) model.dispose();
  });
}

describe('a network with learned vectors for what posts lack', () => {
  test('has one vector of the embedding for each part, and is the same network otherwise', () => {
    const names = (architecture: Architecture) => parameterNames(architecture).map(({ name }) => name);
    expect(names(learned)).toEqual([...names(tiny.architecture), 'fusion.no_image', 'fusion.no_text']);
    const full = architectureSchema.parse({ missingModality: 'learned' });
    expect(countParameters({ architecture: full }).total).toBe(72_240_765 + 2 * 512);
  });

  test('judges complete posts bit for bit as the network without them', async () => {
    const [without, withThem] = [await openModel('fast', tiny.architecture), await openModel('fast')];
    expect(withThem.predictLogits(batch)).toEqual(without.predictLogits(batch));
    const all = { hasImage: new Float32Array(4).fill(1), hasText: new Float32Array(4).fill(1) };
    expect(withThem.predictLogits({ ...batch, ...all })).toEqual(without.predictLogits(batch));
    for (const model of [without, withThem]) model.dispose();
  });

  test.each(['oracle', 'fast'] as const)('does not look at what a post lacks, in the %s engine', async (engine) => {
    const model = await openModel(engine);
    const blank = { ...partial, image: batch.image.slice(), inputIds: batch.inputIds.slice() };
    blank.image.fill(0, blank.image.length / 4, blank.image.length / 2);
    blank.inputIds.fill(5, 2 * batch.length, 3 * batch.length);
    const logits = model.predictLogits(partial);
    expect(model.predictLogits(blank)).toEqual(logits);
    expect([1, 2].map((row) => logits[row] === model.predictLogits(batch)[row])).toEqual([false, false]);
    expect(difference(logits.subarray(3), model.predictLogits(batch).subarray(3)).maxAbs).toBeLessThan(1e-5);
    model.dispose();
  });

  test.each([
    ['nothing frozen', false, noDropout],
    ['dropout', false, defaultDropout],
    ['frozen backbones', true, defaultDropout],
  ])('learns alike in both engines: %s', async (_, frozen, dropout) => {
    await withModels((plain, fast) => {
      const step = { seed: 3, freeze: { vision: frozen, text: frozen } };
      const [expected, actual] = [plain.computeGradients(partial, step), fast.computeGradients(partial, step)];
      expect(actual.loss).toBeCloseTo(expected.loss, 5);
      expect([...actual.gradients.keys()]).toEqual([...expected.gradients.keys()]);
      for (const [name, gradient] of expected.gradients) {
        const [ours, oracle] = [actual.gradients.get(name)?.dataSync() ?? [], gradient.dataSync() as Float32Array];
        const largest = oracle.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        expect(difference(ours, oracle).maxAbs, name).toBeLessThanOrEqual(2e-6 + 2e-4 * largest);
      }
      for (const gradients of [expected, actual]) gradients.dispose();
    }, dropout);
  });

  test('moves the vector of a part only when some post lacks that part', async () => {
    const model = await openModel('fast');
    const namesOf = (input: TrainingInput) => {
      const result = model.computeGradients(input, { seed: 1 });
      result.dispose();
      return [...result.gradients.keys()].filter((name) => name.startsWith('fusion.no_'));
    };
    expect(namesOf(batch)).toEqual([]);
    expect(namesOf({ ...batch, hasText: partial.hasText })).toEqual(['fusion.no_text']);
    expect(namesOf(partial)).toEqual(['fusion.no_image', 'fusion.no_text']);
    model.dispose();
  });

  test.each(['oracle', 'fast'] as const)(
    'judges features of such posts as the posts themselves, in the %s engine',
    async (engine) => {
      const model = await openModel(engine);
      const { hasImage, hasText, size } = partial;
      const logits = model.predictLogitsFromFeatures({ size, features: model.encode(batch), hasImage, hasText });
      expect(difference(logits, model.predictLogits(partial)).maxAbs).toBeLessThan(1e-5);
      model.dispose();
    },
  );
});

describe('posts are refused', () => {
  const neither = { ...partial, hasText: partial.hasImage };
  test.each([
    [
      'without a picture by a network that was not trained for them',
      tiny.architecture,
      partial,
      /one without.*missing_modality=learned/,
    ],
    ['with neither part by any network', learned, neither, /with neither/],
    ['with marks of another number of posts', learned, { ...batch, hasText: new Float32Array(3) }, /expected 4 marks/],
  ])('%s', async (_, architecture, input, message) => {
    for (const engine of ['oracle', 'fast'] as const) {
      const model = await openModel(engine, architecture);
      const alive = tf.memory().numTensors;
      expect(() => model.predictLogits(input)).toThrow(message);
      expect(() => model.computeGradients(input, { seed: 1 })).toThrow(message);
      expect(tf.memory().numTensors).toBe(alive);
      model.dispose();
    }
  });
});
