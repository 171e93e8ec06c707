import { expect, test } from 'vitest';
import { constant, cosine, oneCycle, type Schedule } from '../src/index.ts';
import { readGolden } from './golden.ts';

interface ScheduleGolden {
  schedules: { kind: 'one_cycle' | 'cosine'; options: Record<string, number | boolean>; rates: [number, number][] }[];
}

const { schedules } = readGolden<ScheduleGolden>('schedules');

function build({ kind, options }: ScheduleGolden['schedules'][number]): Schedule {
  const o = options as Record<string, number>;
  if (kind === 'cosine')
    return cosine({ maxLr: 1e-3, minLr: o['eta_min'] as number, totalSteps: o['T_max'] as number });
  return oneCycle({
    maxLr: o['max_lr'] as number,
    totalSteps: o['total_steps'] as number,
    pctStart: o['pct_start'] as number,
    divFactor: o['div_factor'] ?? 25,
    finalDivFactor: o['final_div_factor'] ?? 1e4,
    cycleMomentum: options['cycle_momentum'] !== false,
  });
}

test.each(schedules)('equals torch number for number: $kind $options', (golden) => {
  const schedule = build(golden);
  for (const [step, [learningRate, beta1]] of golden.rates.entries()) {
    const ours = schedule(step);
    expect(Math.abs(ours.learningRate / learningRate - 1)).toBeLessThan(1e-9);
    expect(ours.beta1 ?? 0.9).toBeCloseTo(beta1, 9);
  }
});

test('a run too short to rise starts at the peak and ends at the bottom', () => {
  for (const totalSteps of [1, 2, 5, 10]) {
    const schedule = oneCycle({ maxLr: 1, totalSteps });
    expect(schedule(0)).toEqual({ learningRate: 1, beta1: 0.85 });
    expect(schedule(Math.max(1, totalSteps - 1)).learningRate).toBeCloseTo(4e-6, 12);
  }
});

test('steps past the end keep the last rate', () => {
  const schedule = oneCycle({ maxLr: 1, totalSteps: 20 });
  expect(schedule(25)).toEqual(schedule(19));
});

test('a constant rate leaves beta1 to the optimizer', () => {
  expect(constant(0.1)(7)).toEqual({ learningRate: 0.1 });
});
