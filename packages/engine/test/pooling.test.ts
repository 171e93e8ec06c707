// What of the last layer stands for a text.
import type { Architecture } from '@crosscheck/contract';
import { parameterNames } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { difference, expectClose, expectNoLeak } from '@crosscheck/testkit';
import { describe, expect, test } from 'vitest';
import { createModel, loadWeights, type Model } from '../src/index.ts';
import { textFeatures } from '../src/oracle/engine.ts';
import { formulaBatch, formulaCheckpoint, noDropout, sizes } from './formula.ts';

const { tiny } = sizes;
const architectureOf = (pooling: 'cls' | 'mean'): Architecture => ({
  ...tiny.architecture,
  text: { ...tiny.architecture.text, pooling },
});
const lengths = [12, 7, 1, 12];
const batch = formulaBatch(tiny, lengths);
const width = tiny.architecture.text.hiddenSize;

async function openModel(pooling: 'cls' | 'mean', engine: 'oracle' | 'fast' = 'fast'): Promise<Model> {
  const architecture = architectureOf(pooling);
  const model = createModel({ architecture, dropout: noDropout, batchNormMomentum: 0.1, seed: 7, engine });
  await loadWeights(model, formulaCheckpoint(architecture));
  return model;
}

/** The last layer's states, token by token, as the oracle shows them. */
function statesOf(model: Model): Float32Array {
  let states = new Float32Array();
  const last = `text_branch.backbone.transformer.layer.${tiny.architecture.text.layers - 1}`;
  tf.tidy(() => {
    const observe = (name: string, y: tf.Tensor) => {
      if (name === last) states = y.dataSync().slice() as Float32Array<ArrayBuffer>;
    };
    textFeatures(model, batch, { observe });
  });
  return states; // [B · L, H]
}

function meansOf(states: Float32Array): number[] {
  return lengths.flatMap((length, sample) =>
    Array.from({ length: width }, (_, feature) => {
      const values = Array.from(
        { length },
        (_, place) => states[(sample * batch.length + place) * width + feature] as number,
      );
      return values.reduce((sum, value) => sum + value, 0) / length;
    }),
  );
}

test('has no parameters of its own', () => {
  expect(parameterNames(architectureOf('mean'))).toEqual(parameterNames(architectureOf('cls')));
});

describe('mean', () => {
  test.each(['oracle', 'fast'] as const)('is that over the tokens, padding apart: %s', async (engine) => {
    const model = await openModel('mean', engine);
    const states = statesOf(model);
    expect(states.length).toBe(batch.size * batch.length * width);
    await expectNoLeak(tf, () => expectClose(model.encode(batch).text, meansOf(states), { maxAbs: 1e-5 }));
    model.dispose();
  });

  test('does not see what padding holds, nor how much there is', async () => {
    const model = await openModel('mean');
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

  test('of no token at all is 0', async () => {
    const none = { ...batch, attentionMask: batch.attentionMask.map((mark, i) => (i < batch.length ? 0 : mark)) };
    for (const engine of ['oracle', 'fast'] as const) {
      const model = await openModel('mean', engine);
      const { text } = model.encode(none);
      expect([...text.subarray(0, width)]).toEqual([...new Float32Array(width)]);
      expect(text.subarray(width).some((value) => value !== 0)).toBe(true);
      model.dispose();
    }
  });

  test.each([false, true])(
    'gives gradients that are those of the tape, texts without tokens among them: %s',
    async (has) => {
      const attentionMask = has
        ? batch.attentionMask.map((mark, i) => (i < batch.length ? 0 : mark))
        : batch.attentionMask;
      const [plain, fast] = [await openModel('mean', 'oracle'), await openModel('mean', 'fast')];
      await expectNoLeak(tf, () => {
        const [expected, actual] = [plain, fast].map((model) =>
          model.computeGradients({ ...batch, attentionMask }, { seed: 3 }),
        );
        expect(actual?.loss).toBeCloseTo(expected?.loss as number, 5);
        for (const [name, gradient] of expected?.gradients ?? []) {
          const oracle = gradient.dataSync() as Float32Array;
          const largest = oracle.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
          const ours = actual?.gradients.get(name)?.dataSync() ?? [];
          expect(difference(ours, oracle).maxAbs, name).toBeLessThanOrEqual(2e-6 + 2e-4 * largest);
        }
        actual?.dispose();
        expected?.dispose();
      });
      plain.dispose();
      fast.dispose();
    },
  );
});
