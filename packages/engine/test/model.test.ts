import type { Batch } from '@crosscheck/contract';
import { defaultDropout, type Freeze, nothingFrozen, summarise } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { expectClose, expectNoLeak } from '@crosscheck/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { createAdamW, createModel, type Model, type ModelOptions } from '../src/index.ts';
import { formulaBatch, noDropout, sizes } from './formula.ts';

const models: Model[] = [];
// Disposing of the models leaves no tensor at all.
afterAll(() =>
  expectNoLeak(
    tf,
    () => {
      for (const model of models) model.dispose();
    },
    -tf.memory().numTensors,
  ),
);

function tiny(options: Partial<ModelOptions> = {}): Model {
  const { architecture } = sizes.tiny;
  const model = createModel({ architecture, dropout: defaultDropout, batchNormMomentum: 0.1, seed: 7, ...options });
  models.push(model);
  return model;
}

const batch = formulaBatch(sizes.tiny, [12, 7, 9, 12]);
const bothFrozen: Freeze = { vision: true, text: true };

/** Every weight and statistic, to be compared bit for bit. */
function snapshot(held: ReadonlyMap<string, tf.Tensor>, prefix = ''): [string, Float32Array][] {
  return [...held]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, t]) => [name, t.dataSync().slice() as Float32Array]);
}

function gradientValues(model: Model, input: Batch, seed: number) {
  const result = model.computeGradients(input, { seed });
  const values = snapshot(result.gradients);
  result.dispose();
  return { loss: result.loss, logits: result.logits, values };
}

test('the summary has the shapes that the network computes', () => {
  const seen = new Map<string, number[]>();
  tiny().predictLogits(batch, { observe: (name, { shape }) => seen.set(name, shape) });
  const { architecture, imageSize } = sizes.tiny;
  for (const { name, outputShape } of summarise(architecture, imageSize).filter(({ name }) =>
    name.startsWith('vision'),
  )) {
    const last = [...seen.keys()].findLast((key) => key === name || key.startsWith(`${name}.`)) as string;
    expect([name, seen.get(last)]).toEqual([name, [batch.size, ...outputShape.slice(1)]]);
  }
});

describe('evaluation', () => {
  test('leaves no tensors behind and changes nothing', async () => {
    const model = tiny();
    const before = snapshot(model.buffers);
    await expectNoLeak(tf, () => [model.predictLogits(batch), model.encode(batch)]);
    expect(snapshot(model.buffers)).toEqual(before);
  });

  test('judges a sample alone as it does in company', () => {
    const model = tiny();
    const together = model.predictLogits(batch);
    const alone = formulaBatch(sizes.tiny, [12]);
    expectClose(model.predictLogits(alone), together.slice(0, 1), { maxAbs: 1e-5 });
  });

  test('padding changes nothing', () => {
    const model = tiny();
    const widen = (rows: Int32Array) =>
      Int32Array.from({ length: 4 * 20 }, (_, i) =>
        i % 20 < 12 ? (rows[Math.floor(i / 20) * 12 + (i % 20)] as number) : 0,
      );
    const padded = { ...batch, length: 20, inputIds: widen(batch.inputIds), attentionMask: widen(batch.attentionMask) };
    expectClose(model.predictLogits(padded), model.predictLogits(batch), { maxAbs: 1e-6 });
  });

  test('features stand for their pixels and tokens', () => {
    const model = tiny();
    expect(model.predictLogitsFromFeatures({ size: batch.size, features: model.encode(batch) })).toEqual(
      model.predictLogits(batch),
    );
  });

  test('the parts compute what the whole computes', () => {
    const model = tiny();
    const logits = tf.tidy(() => {
      const image = tf.tensor4d(batch.image, [4, 48, 48, 3]);
      const [vision, text] = [model.imageFeatures(image), model.textFeatures(batch)];
      expect([vision.shape, text.shape]).toEqual([
        [4, 64],
        [4, 32],
      ]);
      const read = (features: tf.Tensor2D) => features.dataSync() as Float32Array;
      return model.predictLogitsFromFeatures({ size: 4, features: { vision: read(vision), text: read(text) } });
    });
    expectClose(logits, model.predictLogits(batch), { maxAbs: 1e-6 });
  });
});

describe('a training step', () => {
  test('is a function of weights, batch and seed', () => {
    const [first, second, other] = [
      gradientValues(tiny(), batch, 5),
      gradientValues(tiny(), batch, 5),
      gradientValues(tiny(), batch, 6),
    ];
    expect(second).toEqual(first);
    expect(other.loss).not.toBe(first.loss);
  });

  test('every seed of a model gives other weights, and the same seed the same', () => {
    expect(tiny({ seed: 8 }).predictLogits(batch)).not.toEqual(tiny().predictLogits(batch));
    expect(snapshot(tiny().variables)).toEqual(snapshot(tiny().variables));
  });

  test('needs the same number of tensors every time', async () => {
    const model = tiny();
    const optimizer = createAdamW();
    const train = (seed: number) => {
      const result = model.computeGradients(batch, { seed });
      optimizer.step(model.variables, result.gradients, { learningRate: 1e-3, clipNorm: 1 });
      result.dispose();
    };
    train(0);
    for (let i = 1; i < 4; i++) await expectNoLeak(tf, () => train(i));
    optimizer.dispose();
  });

  test('dropout is there: on average the logits stay, from step to step they move', () => {
    const model = tiny({ dropout: { ...noDropout, fusion: 0.5, projection: 0.5 } });
    const features = model.encode(batch);
    const runs = Array.from({ length: 200 }, (_, seed) => {
      const result = model.computeGradients({ ...batch, features }, { seed, freeze: bothFrozen });
      result.dispose();
      return result.logits[0] as number;
    });
    expect(new Set(runs).size).toBeGreaterThan(150);
    const mean = runs.reduce((sum, x) => sum + x, 0) / runs.length;
    const deviation = Math.sqrt(runs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / runs.length);
    expect(Math.abs(mean - (model.predictLogits(batch)[0] as number))).toBeLessThan(deviation);
  });

  test('learns one batch by heart', () => {
    const model = tiny();
    const optimizer = createAdamW();
    const losses = Array.from({ length: 60 }, (_, seed) => {
      const result = model.computeGradients(batch, { seed });
      optimizer.step(model.variables, result.gradients, { learningRate: 3e-3, clipNorm: 1 });
      result.dispose();
      return result.loss;
    });
    optimizer.dispose();
    expect(losses[0]).toBeGreaterThan(0.5);
    expect(Math.max(...losses.slice(-5))).toBeLessThan(0.1);
  });

  test.each(['fast', 'oracle'] as const)('statistics can be taken along, and applied later: %s', async (engine) => {
    const [applied, given] = [tiny({ engine }), tiny({ engine })];
    const before = snapshot(given.buffers);
    applied.computeGradients(batch, { seed: 3 }).dispose();
    await expectNoLeak(tf, () => {
      const result = given.computeGradients(batch, { seed: 3, statistics: 'give' });
      expect(snapshot(given.buffers)).toEqual(before);
      given.moveStatistics(result.statistics);
      result.dispose();
    });
    expect(snapshot(given.buffers)).toEqual(snapshot(applied.buffers));
    expect(given.batchesTracked).toEqual(applied.batchesTracked);
  });

  test('a loss that is not finite moves no statistics', () => {
    const model = tiny();
    const before = snapshot(model.buffers);
    const image = batch.image.map(() => Number.NaN);
    const result = model.computeGradients({ ...batch, image }, { seed: 0 });
    result.dispose();
    expect(result.loss).toBeNaN();
    expect(snapshot(model.buffers)).toEqual(before);
  });

  test('weights of the loss act: positives count more, smoothed labels cost more when right', () => {
    const model = tiny({ dropout: noDropout });
    const loss = (options = {}) => {
      const result = model.computeGradients(batch, { seed: 0, training: false, ...options });
      result.dispose();
      return result.loss;
    };
    const logits = model.predictLogits(batch);
    const terms = [...logits].map((x, i) =>
      batch.label[i] === 1 ? 3 * Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)),
    );
    expect(loss({ positiveWeight: 3 })).toBeCloseTo(terms.reduce((sum, x) => sum + x, 0) / 4, 5);
    const smoothed = [...logits].map((x, i) => Math.log1p(Math.exp(x)) - x * ((batch.label[i] as number) * 0.8 + 0.1));
    expect(loss({ labelSmoothing: 0.2 })).toBeCloseTo(smoothed.reduce((sum, x) => sum + x, 0) / 4, 5);
  });
});

describe('frozen backbones', () => {
  const steps = (model: Model, freeze: Freeze, options: { frozenBatchNorm?: 'keep' | 'update' } = {}) => {
    const optimizer = createAdamW();
    for (let seed = 0; seed < 3; seed++) {
      const result = model.computeGradients(batch, { seed, freeze, ...options });
      optimizer.step(model.variables, result.gradients, { learningRate: 1e-2 });
      result.dispose();
    }
    optimizer.dispose();
  };

  test.each([
    ['both', bothFrozen],
    ['vision', { vision: true, text: false }],
    ['text', { vision: false, text: true }],
  ] as const)('stay bit-identical in weights and statistics, the rest learns: %s', (_, freeze) => {
    const model = tiny();
    const before = new Map(snapshot(new Map([...model.variables, ...model.buffers])));
    steps(model, freeze);
    for (const [name, values] of snapshot(new Map([...model.variables, ...model.buffers]))) {
      const isBackbone = (branch: keyof Freeze) => name.startsWith(`${branch}_branch.backbone`);
      const stays = (freeze.vision && isBackbone('vision')) || (freeze.text && isBackbone('text'));
      const isSame = values.every((value, i) => value === before.get(name)?.[i]);
      expect(isSame, name).toBe(stays);
    }
    expect(new Set(model.batchesTracked.values())).toEqual(new Set([freeze.vision ? 0 : 3]));
  });

  test('with statistics set to update, they drift as in the original while weights stay', () => {
    const model = tiny();
    const [weights, statistics] = [snapshot(model.variables, 'vision_branch.backbone'), snapshot(model.buffers)];
    steps(model, bothFrozen, { frozenBatchNorm: 'update' });
    expect(snapshot(model.variables, 'vision_branch.backbone')).toEqual(weights);
    for (const [i, [name, values]] of snapshot(model.buffers).entries())
      expect(values, name).not.toEqual(statistics[i]?.[1]);
    expect(new Set(model.batchesTracked.values())).toEqual(new Set([3]));
  });

  test('a step from features equals the step from pixels and tokens, bit for bit', () => {
    const model = tiny();
    const { size, label } = batch;
    const run = (input: Parameters<Model['computeGradients']>[0], freeze: Freeze) => {
      const result = model.computeGradients(input, { seed: 3, freeze });
      const values = [result.loss, result.logits, snapshot(result.gradients)];
      result.dispose();
      return values;
    };
    const features = model.encode(batch);
    expect(run({ size, label, features }, bothFrozen)).toEqual(run(batch, bothFrozen));
    const tokens = { length: batch.length, inputIds: batch.inputIds, attentionMask: batch.attentionMask };
    const vision = { vision: true, text: false };
    const half = { size, label, ...tokens, features: { vision: features.vision } };
    expect(run(half, vision)).toEqual(run(batch, vision));
  });

  test('only names that learn have gradients', () => {
    const model = tiny();
    const names = (step: { freeze?: Freeze; trainable?: string[] }) => {
      const result = model.computeGradients(batch, { seed: 0, ...step });
      result.dispose();
      return [...result.gradients.keys()];
    };
    expect(names({})).toEqual(model.trainableNames(nothingFrozen));
    expect(names({ freeze: bothFrozen })).toEqual(
      [...model.variables.keys()].filter((name) => !name.includes('backbone')),
    );
    expect(names({ trainable: ['fusion.6.bias', 'fusion.0.weight'] })).toEqual(['fusion.6.bias', 'fusion.0.weight']);
  });
});

describe('input that does not fit is refused with what was expected', () => {
  const model = tiny();
  test.each([
    ['pictures', { image: new Float32Array(100) }, /expected 4 square images/],
    ['texts', { inputIds: new Int32Array(3) }, /expected 4 texts of 12 tokens, got 3 ids/],
    ['vocabulary', { inputIds: new Int32Array(48).fill(120) }, /below the vocabulary's 120, got 120/],
    [
      'length',
      { length: 41, inputIds: new Int32Array(164), attentionMask: new Int32Array(164) },
      /at most 40 tokens, got 41/,
    ],
    ['labels', { label: new Float32Array(3) }, /expected 4 labels, got 3/],
    ['features', { features: { vision: new Float32Array(9) } }, /expected features \[4, 64\], got 9 numbers/],
  ])('%s', async (_, change, message) => {
    await expectNoLeak(tf, () => {
      expect(() => model.computeGradients({ ...batch, ...change }, { seed: 0 })).toThrow(message);
    });
  });

  test('pixels and features both missing', () => {
    expect(() => model.computeGradients({ size: 1, label: new Float32Array(1) }, { seed: 0 })).toThrow(
      /expected pixels or vision features/,
    );
    expect(() => model.computeGradients(batch, { seed: 0, trainable: ['fusion.9'] })).toThrow(/got "fusion.9"/);
  });
});
