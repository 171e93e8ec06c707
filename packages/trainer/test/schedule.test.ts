import { cosine } from '@crosscheck/engine';
import { describe, expect, it } from 'vitest';
import { epochsWithoutImprovement } from '../src/consumers/early-stopping.ts';
import type { EpochRecord } from '../src/loop/history.ts';
import { buildSchedule, cosineRestarts, withWarmup } from '../src/loop/schedule.ts';
import { composeTiny } from './support/tiny-step.ts';

const rates = (overrides: string[], steps: number, history: EpochRecord[] = []) => {
  const { config, phase } = composeTiny('training.learning_rate=1', 'training.num_epochs=2', ...overrides);
  const schedule = buildSchedule(config, phase, 4, history);
  return Array.from({ length: steps }, (_, step) => schedule(step).learningRate);
};

const epochsOf = (accuracies: number[], phaseIndex = 0): EpochRecord[] =>
  accuracies.map((accuracy, i) => ({
    phase: 'p',
    phaseIndex,
    epoch: i + 1,
    step: i,
    seconds: 1,
    metrics: { 'val/accuracy': accuracy },
  }));

describe('learning rates', () => {
  it('rise linearly through the warm-up, then follow the schedule', () => {
    expect(rates(['training.scheduler=constant', 'training.warmup_steps=3'], 5)).toEqual([0.25, 0.5, 0.75, 1, 1]);
    const warm = rates(['training.scheduler=cosine', 'training.warmup_steps=2', 'training.min_lr=0'], 8);
    const plain = cosine({ maxLr: 1, minLr: 0, totalSteps: 6 });
    expect(warm.slice(2)).toEqual([0, 1, 2, 3, 4, 5].map((step) => plain(step).learningRate));
  });

  it('rise to what the schedule begins with', () => {
    const schedule = withWarmup(() => ({ learningRate: 0.4, beta1: 0.9 }), 1);
    expect(schedule(0)).toEqual({ learningRate: 0.2, beta1: 0.9 });
  });

  it('fall along cosines that begin anew, each longer than the last', () => {
    const schedule = cosineRestarts({ maxLr: 1, minLr: 0, firstSteps: 2, factor: 2 });
    const got = Array.from({ length: 7 }, (_, step) => schedule(step).learningRate);
    // torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(T_0=2, T_mult=2): cos at 0, 1/2 of π; then 0, 1/4, 1/2, 3/4.
    const expected = [1, 0.5, 1, 0.853_553_39, 0.5, 0.146_446_61, 1];
    for (const [i, rate] of expected.entries()) expect(got[i]).toBeCloseTo(rate, 7);
  });

  it('are lowered when validation stands still, and not below min_lr', () => {
    const plateau = ['training.scheduler=plateau', 'training.plateau_patience=2', 'training.min_lr=0.05'];
    const after = (accuracies: number[]) => rates(plateau, 1, epochsOf(accuracies))[0];
    expect(after([])).toBe(1);
    expect(after([0.5, 0.5])).toBe(1);
    expect(after([0.5, 0.5, 0.5])).toBeCloseTo(0.1, 12);
    expect(after([0.5, 0.5, 0.5, 0.6, 0.6])).toBeCloseTo(0.1, 12);
    expect(after([0.5, 0.5, 0.5, 0.6, 0.6, 0.6])).toBeCloseTo(0.05, 12);
  });

  it('on a plateau look at the epochs of their own phase', () => {
    expect(rates(['training.scheduler=plateau'], 1, epochsOf([0.5, 0.5, 0.5], 7))).toEqual([1]);
  });

  it('stay constant without a scheduler', () => {
    expect(rates(['training.use_scheduler=false'], 3)).toEqual([1, 1, 1]);
  });
});

describe('standing still', () => {
  it('means no change above min_delta, upwards for scores and downwards for losses', () => {
    const score = { metric: 'val/accuracy', minDelta: 0.01 };
    const of = (key: string, values: number[]) => values.map((value) => ({ [key]: value }));
    expect(epochsWithoutImprovement(score, of('val/accuracy', [0.5, 0.505, 0.509]))).toBe(2);
    expect(epochsWithoutImprovement(score, of('val/accuracy', [0.5, 0.505, 0.52]))).toBe(0);
    expect(epochsWithoutImprovement({ metric: 'val/loss', minDelta: 0 }, of('val/loss', [0.5, 0.4, 0.45]))).toBe(1);
  });
});
