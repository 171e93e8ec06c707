import { type Architecture, architectureSchema } from '@crosscheck/contract';
import { expect, test } from 'vitest';
import { countParameters, summarise, summary } from '../src/index.ts';

const full = { architecture: architectureSchema.parse({}) };
const bothFrozen = { vision: true, text: true };

test('the default architecture has the parameters of the original', () => {
  expect(countParameters(full)).toEqual({ total: 72_240_765, trainable: 72_240_765 });
  expect(countParameters(full, bothFrozen)).toEqual({ total: 72_240_765, trainable: 1_870_337 });
});

test('the summary names every stage with its output and adds up', () => {
  const rows = summarise(full.architecture);
  expect(rows.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(72_240_765);
  expect(rows.find(({ name }) => name.endsWith('features.6'))).toEqual({
    name: 'vision_branch.backbone.features.6',
    outputShape: ['B', 7, 7, 192],
    parameters: 2_026_348,
  });
  expect(summary(full, bothFrozen)).toMatch(/\[B, L, 768\] .*\n72,240,765 parameters, 1,870,337 trainable$/s);
});

test('every fusion has as many parameters more as the layers that it adds', () => {
  const [d, f] = [512, 256];
  const square = d * d + d;
  const base = 1_870_337;
  const trainable = (fusion: Architecture['fusion']) =>
    countParameters({ architecture: architectureSchema.parse({ fusion }) }, bothFrozen).trainable;
  expect((['concat', 'gated', 'bilinear', 'cross_attention'] as const).map(trainable)).toEqual([
    base,
    base + 2 * square + (2 * d * d + d) - d * f,
    base + 2 * square - d * f,
    base + 2 * (4 * square + 2 * d),
  ]);
});
