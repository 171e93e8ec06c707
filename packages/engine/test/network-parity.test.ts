import type { Parameter } from '@crosscheck/network';
import { tf } from '@crosscheck/tensorflow';
import { expectClose, expectNoLeak } from '@crosscheck/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createModel, loadWeights, type Model, modelTensors } from '../src/index.ts';
import { readTorch } from '../src/parameters.ts';
import { formulaBatch, formulaCheckpoint, noDropout, sizes, toTorchOrder } from './formula.ts';
import { agreement, type GradientGolden, type NetworkGolden, readGolden, vanishesInTheory } from './golden.ts';

const cases = ['one-eval', 'one-train', 'padded-eval', 'padded-train', 'unpadded-eval', 'unpadded-train'];

describe.each(['tiny', 'full'] as const)('the %s network', (name) => {
  const size = sizes[name];
  let model: Model;

  beforeAll(async () => {
    model = createModel({ architecture: size.architecture, dropout: noDropout, batchNormMomentum: 0.1, seed: 1 });
    await loadWeights(model, formulaCheckpoint(size.architecture));
  });

  afterAll(() => expectNoLeak(tf, () => model.dispose(), -tf.memory().numTensors));

  test.each(cases)('computes what PyTorch computes, stage by stage: %s', (batchCase) => {
    const golden = readGolden<NetworkGolden>(`network-${name}-${batchCase}`);
    const seen = new Set<string>();
    const logits = model.predictLogits(formulaBatch(size, golden.lengths), {
      training: golden.training,
      observe(layer, output) {
        seen.add(layer);
        const values = toTorchOrder(output.dataSync() as Float32Array, output.shape);
        const expected = golden.observed[layer];
        if (!expected) return;
        const { cosine, relative, norm } = agreement(layer, values, expected);
        expect(cosine, layer).toBeGreaterThanOrEqual(0.99999);
        expect(relative, layer).toBeLessThan(1e-4);
        expect(norm, layer).toBeLessThan(1e-5);
      },
    });
    expectClose(logits, golden.logits, { maxAbs: 1e-4 });
    expect([...seen]).toEqual(expect.arrayContaining(Object.keys(golden.observed)));
  });

  test.each(['padded-eval', 'padded-train'])('has the gradients that PyTorch has: %s', (batchCase) => {
    const { lengths, training, loss } = readGolden<NetworkGolden>(`network-${name}-${batchCase}`);
    const golden = readGolden<GradientGolden>(`network-${name}-${batchCase}-gradients`);
    const result = model.computeGradients(formulaBatch(size, lengths), { seed: 0, training });
    expect(result.loss).toBeCloseTo(loss, 5);
    expect([...result.gradients.keys()]).toEqual(Object.keys(golden.gradients));
    const values = (parameter: string) => {
      const [gradient, tensor] = [result.gradients.get(parameter), model.tensors.get(parameter)];
      return readTorch(gradient as tf.Tensor, tensor as Parameter);
    };
    const [noise, signal] = [true, false].map((vanishes) =>
      [...result.gradients.keys()].filter((parameter) => vanishesInTheory(parameter, training) === vanishes),
    ) as [string[], string[]];
    for (const parameter of noise) expect(Math.hypot(...values(parameter)), parameter).toBeLessThan(1e-6);
    for (const parameter of signal) {
      const { relative, norm } = agreement(parameter, values(parameter), golden.gradients[parameter] ?? []);
      expect(relative, parameter).toBeLessThan(1e-3);
      expect(norm, parameter).toBeLessThan(1e-4);
    }
    result.dispose();
  });

  // Runs after the training step above, which moved them once.
  test('moves the running statistics as PyTorch does', () => {
    const { statistics = {} } = readGolden<GradientGolden>(`network-${name}-padded-train-gradients`);
    expect([...model.buffers.keys()]).toEqual(Object.keys(statistics));
    for (const [buffer, values] of model.buffers) {
      const data = values.dataSync() as Float32Array;
      expect(agreement(buffer, data, statistics[buffer] ?? []).relative, buffer).toBeLessThan(1e-4);
    }
    expect(new Set(model.batchesTracked.values())).toEqual(new Set([1]));
    const counters = modelTensors(model).filter(({ dtype }) => dtype === 'I64');
    for (const { name: counter, data } of counters)
      expect((data as () => unknown)(), counter).toEqual(BigInt64Array.of(1n));
  });
});
