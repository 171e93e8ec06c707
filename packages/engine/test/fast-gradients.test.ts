// The fast engine against the plain one: the same loss, logits, gradients and statistics within rounding.
import { type Architecture, architectureSchema, type Batch, createRandom } from '@crosscheck/contract';
import { type DropoutRates, defaultDropout, nothingFrozen, parameterNames } from '@crosscheck/network';
import { hasOwnKernels, tf } from '@crosscheck/tensorflow';
import { difference, expectNoLeak } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import { computeGradients, differentiate } from '../src/fast/engine.ts';
import { composedKernels, ownKernels } from '../src/fast/kernel-set.ts';
import { type KernelSet } from '../src/fast/work.ts';
import {
  createAdamW,
  createModel,
  type GradientStep,
  loadWeights,
  type Model,
  type TrainingInput,
} from '../src/index.ts';
import { formulaBatch, formulaCheckpoint, noDropout, type Size, sizes } from './formula.ts';

// |difference| ≤ absolute + relative · largest of the tensor. Some true gradients are exactly 0 (a bias before batch norm, the key's
// bias under a softmax): of those both engines compute rounding noise.
const tolerance = { absolute: 2e-6, relative: 2e-4 };

/** The kernels to test: where ours are not installed, TensorFlow's alone. */
const kernelSets: KernelSet[] = hasOwnKernels ? [composedKernels, ownKernels] : [composedKernels];

interface Pair {
  plain: Model;
  fast: Model;
}

async function withPair(
  architecture: Architecture,
  dropout: DropoutRates,
  body: (pair: Pair, kernels: KernelSet) => void,
): Promise<void> {
  for (const kernels of kernelSets) await withPairOf(architecture, dropout, (pair) => body(pair, kernels));
}

async function withPairOf(architecture: Architecture, dropout: DropoutRates, body: (pair: Pair) => void) {
  const options = { architecture, dropout, batchNormMomentum: 0.1, seed: 7 };
  await expectNoLeak(tf, async () => {
    const pair = {
      plain: createModel({ ...options, engine: 'oracle' }),
      fast: createModel({ ...options, engine: 'fast' }),
    };
    for (const model of Object.values(pair)) await loadWeights(model, formulaCheckpoint(architecture));
    body(pair);
    for (const model of Object.values(pair)) model.dispose();
  });
}

function expectSameTensors(actual: ReadonlyMap<string, tf.Tensor>, expected: ReadonlyMap<string, tf.Tensor>): void {
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  for (const [name, tensor] of expected) {
    const oracle = tensor.dataSync() as Float32Array;
    const ours = actual.get(name)?.dataSync() as Float32Array;
    const largest = oracle.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const worst = oracle.reduce((most, x, i) => Math.max(most, Math.abs(x - (ours[i] as number))), 0);
    expect(actual.get(name)?.shape, name).toEqual(tensor.shape);
    expect(worst, `${name}: largest ${largest}`).toBeLessThanOrEqual(tolerance.absolute + tolerance.relative * largest);
  }
}

function expectSameStep({ plain, fast }: Pair, kernels: KernelSet, input: TrainingInput, step: GradientStep): void {
  const expected = plain.computeGradients(input, step);
  const actual = computeGradients(fast, input, step, kernels);
  expect(actual.loss).toBeCloseTo(expected.loss, 5);
  expect(actual.logits.length).toBe(expected.logits.length);
  for (const [i, logit] of expected.logits.entries()) expect(actual.logits[i]).toBeCloseTo(logit, 4);
  expectSameTensors(actual.gradients, expected.gradients);
  expectSameTensors(fast.buffers, plain.buffers);
  expect(fast.batchesTracked).toEqual(plain.batchesTracked);
  actual.dispose();
  expected.dispose();
}

const { tiny } = sizes;
const batch = formulaBatch(tiny, [12, 7, 9, 12]);
const lastBlocks = parameterNames(tiny.architecture)
  .filter(
    ({ name, kind }) => kind === 'parameter' && /features\.3\.1|features\.4|layer\.1|projection|fusion/.test(name),
  )
  .map(({ name }) => name);
const bothFrozen = { vision: true, text: true };

describe('one step of the fast engine equals the plain one', () => {
  const frozen = { vision: true, text: false };
  test.each<[string, DropoutRates, GradientStep]>([
    ['nothing random', noDropout, { seed: 1 }],
    ['dropout with the same masks', defaultDropout, { seed: 1 }],
    ['much dropout', { fusion: 0.5, projection: 0.4, text: 0.5, attention: 0.5, stochasticDepth: 0.7 }, { seed: 2 }],
    ['attention dropout alone', { ...noDropout, attention: 0.3 }, { seed: 2 }],
    ['stochastic depth alone', { ...noDropout, stochasticDepth: 0.9 }, { seed: 3 }],
    ['running statistics', defaultDropout, { seed: 4, training: false }],
    ['vision frozen', defaultDropout, { seed: 5, freeze: frozen }],
    ['vision frozen, statistics moving', defaultDropout, { seed: 5, freeze: frozen, frozenBatchNorm: 'update' }],
    ['text frozen', defaultDropout, { seed: 6, freeze: { vision: false, text: true } }],
    ['both frozen', defaultDropout, { seed: 7, freeze: bothFrozen }],
    ['both frozen, statistics moving', defaultDropout, { seed: 7, freeze: bothFrozen, frozenBatchNorm: 'update' }],
    ['a weighted and smoothed loss', defaultDropout, { seed: 8, positiveWeight: 3, labelSmoothing: 0.2 }],
    ['few parameters', defaultDropout, { seed: 9, trainable: ['fusion.6.bias', 'vision_branch.projection.0.weight'] }],
    ['the last blocks of each backbone', defaultDropout, { seed: 9, trainable: lastBlocks }],
    ['one early parameter', defaultDropout, { seed: 9, trainable: ['vision_branch.backbone.features.0.0.weight'] }],
  ])('%s', async (_, dropout, step) => {
    await withPair(tiny.architecture, dropout, (pair, kernels) => {
      for (const more of [0, 100]) expectSameStep(pair, kernels, batch, { ...step, seed: step.seed + more });
    });
  });

  test('from features of frozen backbones', async () => {
    await withPair(tiny.architecture, defaultDropout, (pair, kernels) => {
      const { size, label, length, inputIds, attentionMask } = batch;
      const features = pair.plain.encode(batch);
      expectSameStep(pair, kernels, { size, label, features }, { seed: 1, freeze: bothFrozen });
      const half = { size, label, length, inputIds, attentionMask, features: { vision: features.vision } };
      expectSameStep(pair, kernels, half, { seed: 1, freeze: { vision: true, text: false } });
    });
  });
});

/** A random small network, with batches that fit it. */
function randomCase(seed: number): { size: Size; lengths: number[]; dropout: DropoutRates; training: boolean } {
  const random = createRandom(seed, 'fast-gradients');
  const pick = <T>(...choices: T[]) => choices[random.int(choices.length)] as T;
  const channels = pick(4, 6, 8);
  const stages = Array.from({ length: 1 + random.int(3) }, () => ({
    expand: pick(1, 2, 6),
    channels: pick(channels, 5, 12),
    repeats: 1 + random.int(2),
    stride: pick(1, 2),
    kernel: pick(3, 5),
  }));
  const heads = pick(1, 2, 3);
  const architecture = architectureSchema.parse({
    vision: {
      stemChannels: channels,
      stages,
      headChannels: pick(16, 30),
      activation: pick('silu', 'relu6'),
      squeezeExcite: pick(true, false),
      padding: pick('symmetric', 'same'),
    },
    text: {
      vocabSize: 50,
      maxPositions: 24,
      hiddenSize: heads * pick(4, 10),
      layers: 1 + random.int(3),
      heads,
      feedForwardSize: pick(12, 40),
      pooling: pick('cls', 'mean'),
    },
    embeddingDim: pick(8, 13),
    fusionHiddenDim: pick(6, 8),
    fusion: pick('concat', 'gated', 'bilinear'),
  });
  const rate = () => pick(0, 0.1, 0.5);
  return {
    size: { architecture, imageSize: pick(17, 24, 32) },
    lengths: Array.from({ length: 2 + random.int(5) }, () => 1 + random.int(24)),
    dropout: { fusion: rate(), projection: rate(), text: rate(), attention: rate(), stochasticDepth: rate() },
    training: random.int(4) !== 0,
  };
}

test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  'random network, batch and dropout rates: number %i',
  async (seed) => {
    const { size, lengths, dropout, training } = randomCase(seed);
    await withPair(size.architecture, dropout, (pair, kernels) =>
      expectSameStep(pair, kernels, formulaBatch(size, lengths, `case${seed}`), { seed, training }),
    );
  },
);

describe('texts are packed', () => {
  const withMask = (mask: (place: number) => boolean): Batch => ({
    ...batch,
    attentionMask: batch.attentionMask.map((_, i) => Number(mask(i % batch.length))),
  });

  test.each([
    ['no padding at all', () => true],
    ['a mask with holes', (place: number) => place % 3 !== 1],
    ['padding in front, so that [CLS] is masked', (place: number) => place > 2],
    ['no token at all', () => false],
  ])('%s', async (_, mask) => {
    await withPair(tiny.architecture, defaultDropout, (pair, kernels) =>
      expectSameStep(pair, kernels, withMask(mask), { seed: 1 }),
    );
  });
});

test('with mixed precision the text backbone is rounded: near, not equal', async () => {
  await withPair(tiny.architecture, noDropout, ({ fast }) => {
    const exact = fast.computeGradients(batch, { seed: 1 });
    const rounded = fast.computeGradients(batch, { seed: 1, mixedPrecision: true });
    expect(Math.abs(rounded.loss - exact.loss)).toBeGreaterThan(0);
    expect(Math.abs(rounded.loss - exact.loss)).toBeLessThan(1e-2);
    for (const { gradients } of [exact, rounded]) expect(gradients.size).toBe(fast.variables.size);
    const values = ({ gradients }: typeof exact) =>
      [...gradients.values()].flatMap((g) => [...(g.dataSync() as Float32Array)]);
    expect(difference(values(rounded), values(exact)).cosine).toBeGreaterThan(0.99);
    exact.dispose();
    rounded.dispose();
  });
});

describe('predictions of the fast engine', () => {
  test('are those of the plain one, and leave nothing behind', async () => {
    await withPair(tiny.architecture, defaultDropout, ({ plain, fast }) => {
      const [expected, actual] = [plain.encode(batch), fast.encode(batch)];
      for (const kind of ['vision', 'text'] as const)
        for (const [i, x] of expected[kind].entries()) expect(actual[kind][i]).toBeCloseTo(x, 4);
      const logits = plain.predictLogits(batch);
      for (const [i, x] of fast.predictLogits(batch).entries()) expect(x).toBeCloseTo(logits[i] as number, 5);
    });
  });
});

describe('memory', () => {
  test.each([
    ['nothing frozen', nothingFrozen, undefined],
    ['vision frozen', { vision: true, text: false }, undefined],
    ['text frozen', { vision: false, text: true }, undefined],
    ['both frozen', bothFrozen, undefined],
    ['the last blocks learn', nothingFrozen, lastBlocks],
  ])('nothing stays but gradients and statistics, even before a scope ends: %s', async (_, freeze, trainable) => {
    await withPair(tiny.architecture, defaultDropout, ({ fast }, kernels) => {
      for (const training of [true, false]) {
        const moved = new Map<string, tf.Tensor>();
        const step: GradientStep = { seed: 1, freeze, training, frozenBatchNorm: 'update' };
        const before = tf.memory().numTensors;
        const { gradients } = differentiate(
          { state: fast, step, moved, kernels },
          batch,
          new Set(trainable ?? fast.trainableNames(freeze)),
        );
        expect(tf.memory().numTensors - before).toBe(gradients.size + moved.size);
        tf.dispose([...gradients.values(), ...moved.values()]);
      }
    });
  });

  test('every step of a training needs the same number of tensors', async () => {
    await withPair(tiny.architecture, defaultDropout, ({ fast }) => {
      const optimizer = createAdamW();
      const counts = Array.from({ length: 4 }, (_, seed) => {
        const result = fast.computeGradients(batch, { seed });
        optimizer.step(fast.variables, result.gradients, { learningRate: 1e-3, clipNorm: 1 });
        result.dispose();
        return tf.memory().numTensors;
      });
      optimizer.dispose();
      expect(new Set(counts).size).toBe(1);
    });
  });

  test('an error leaves nothing behind', async () => {
    await withPair(tiny.architecture, defaultDropout, ({ fast }) => {
      const before = tf.memory().numTensors;
      expect(() => fast.computeGradients({ ...batch, image: new Float32Array(100) }, { seed: 0 })).toThrow(
        /expected 4 square images/,
      );
      expect(tf.memory().numTensors).toBe(before);
    });
  });

  test('a loss that is not finite moves no statistics', async () => {
    await withPair(tiny.architecture, defaultDropout, ({ fast, plain }) => {
      const result = fast.computeGradients({ ...batch, image: batch.image.map(() => Number.NaN) }, { seed: 0 });
      expect(result.loss).toBeNaN();
      result.dispose();
      expectSameTensors(fast.buffers, plain.buffers);
    });
  });
});
