import { tf } from '@crosscheck/tensorflow';
import { afterAll, expect, test } from 'vitest';
import { createModel } from '../src/index.ts';
import { noDropout, sizes } from './formula.ts';

const model = createModel({
  architecture: sizes.tiny.architecture,
  dropout: noDropout,
  batchNormMomentum: 0.1,
  seed: 5,
});
afterAll(() => model.dispose());

const values = (name: string) =>
  (model.variables.get(name) ?? (model.buffers.get(name) as tf.Variable)).dataSync() as Float32Array;
const only = (name: string) => [...new Set(values(name))];

function deviation(data: Float32Array): number {
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
  return Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length);
}

const vision = 'vision_branch.backbone.features';
const text = 'text_branch.backbone';

test('convolutions are normal with variance 2 / fan_out, as torchvision makes them', () => {
  const head = `${vision}.4.0.weight`; // 24 → 64 channels, 1 × 1
  expect(deviation(values(head)) / Math.sqrt(2 / 64)).toBeCloseTo(1, 1);
  const depthwise = `${vision}.3.1.block.1.0.weight`; // 144 channels, 3 × 3
  expect(deviation(values(depthwise)) / Math.sqrt(2 / (144 * 9))).toBeCloseTo(1, 1);
  expect(only(`${vision}.3.1.block.2.fc1.bias`)).toEqual([0]);
});

test('norms start at scale 1 and offset 0, running statistics at mean 0 and variance 1', () => {
  for (const norm of [`${vision}.0.1`, `${text}.embeddings.LayerNorm`]) {
    expect([only(`${norm}.weight`), only(`${norm}.bias`)]).toEqual([[1], [0]]);
  }
  expect([only(`${vision}.0.1.running_mean`), only(`${vision}.0.1.running_var`)]).toEqual([[0], [1]]);
});

test('DistilBERT starts with a deviation of 0.02 and an empty padding row', () => {
  const words = values(`${text}.embeddings.word_embeddings.weight`);
  expect(deviation(words.slice(32)) / 0.02).toBeCloseTo(1, 1);
  expect(new Set(words.slice(0, 32))).toEqual(new Set([0]));
  expect(deviation(values(`${text}.transformer.layer.1.ffn.lin1.weight`)) / 0.02).toBeCloseTo(1, 1);
  expect(only(`${text}.transformer.layer.1.attention.q_lin.bias`)).toEqual([0]);
});

test('heads are uniform within 1 / √fan_in, weights and biases, as torch.nn.Linear makes them', () => {
  const bound = 1 / Math.sqrt(64);
  for (const part of ['weight', 'bias']) {
    const data = values(`vision_branch.projection.0.${part}`);
    expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(Math.max(...data.map(Math.abs))).toBeGreaterThan(0.8 * bound);
  }
  expect(deviation(values('vision_branch.projection.0.weight')) / (bound / Math.sqrt(3))).toBeCloseTo(1, 1);
});

test('a tensor starts the same whatever else the model holds', () => {
  const { architecture } = sizes.tiny;
  const deeper = { ...architecture, text: { ...architecture.text, layers: 3 } };
  const other = createModel({ architecture: deeper, dropout: noDropout, batchNormMomentum: 0.1, seed: 5 });
  expect((other.variables.get('fusion.0.weight') as tf.Variable).dataSync()).toEqual(values('fusion.0.weight'));
  other.dispose();
});
