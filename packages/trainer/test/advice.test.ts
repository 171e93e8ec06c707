import { composeConfig, flattenConfig, type TrainConfig, trainConfigSchema, trainReads } from '@crosscheck/config';
import { diagnose, type TrainedEpoch, verdictsOfEpoch } from '@crosscheck/evaluation';
import { describe, expect, it } from 'vitest';
import { resolvePhases } from '../src/loop/phases.ts';

const compose = (overrides: readonly string[]) =>
  composeConfig<TrainConfig>({
    configName: 'config',
    schema: trainConfigSchema,
    overrides: [...overrides],
    reads: trainReads,
  }).config;

/** A run whose phase ends with 0.95 on training posts and 0.65 on validation, the loss there lowest in its first epoch. */
function overfitIn(phase: string): TrainedEpoch[] {
  return [0.6, 0.7, 0.8].map((valLoss, i) => ({
    phase,
    epoch: i + 1,
    metrics: {
      'train/loss': 0.5 - 0.2 * i,
      'train/accuracy': 0.75 + 0.1 * i,
      'val/loss': valLoss,
      'val/accuracy': 0.65,
    },
  }));
}

const verdicts = verdictsOfEpoch(
  { 'val/recall': 0.65, 'val/accuracy': 0.65, 'val/auc': 0.7, 'val/loss': 0.6 },
  300,
  300,
);

describe.each([
  ['the default config', []],
  ['model=tiny', ['model=tiny']],
  ['two phases', ['experiment=two_phase']],
  ['two phases with their own settings', ['experiment=two_phase', '+training.phases.frozen.augmentation=false']],
  ['the demo', ['experiment=demo']],
  ['another way of fusion', ['model.fusion=cross_attention']],
] as const)('advice against overfitting with %s', (_, overrides) => {
  const config = compose(overrides);
  const phases = resolvePhases(config).map(({ name }) => name);

  it.each(phases)('names keys that phase %s reads, with values that it does not have', (phase) => {
    const settings = flattenConfig(config);
    const diagnoses = diagnose({ verdicts, epochs: overfitIn(phase), trainingRows: 2000, settings });
    const advice = diagnoses.find(({ id }) => id === 'overfits')?.advice.join(' ') ?? '';
    const advised = advice.match(/[\w.]+=[\w.-]+/g) ?? [];
    expect(advised.length).toBeGreaterThan(3);
    for (const override of advised) {
      const [key = '', value] = override.split('=');
      expect(settings[key], key).not.toBe(value);
      expect(flattenConfig(compose([...overrides, override]))[key], override).toBe(value);
    }
  });
});
