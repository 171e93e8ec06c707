import { afterEach, describe, expect, it } from 'vitest';
import { choosePrecision, describePrecision } from '../src/run/precision.ts';

const variable = 'NVIDIA_TF32_OVERRIDE';
const before = process.env[variable];
afterEach(() => {
  if (before === undefined) delete process.env[variable];
  else process.env[variable] = before;
});

describe('training.mixed_precision', () => {
  it('off keeps a GPU to float32, unless someone has chosen otherwise', () => {
    delete process.env[variable];
    choosePrecision(false);
    expect(process.env[variable]).toBe('0');
    process.env[variable] = '1';
    choosePrecision(false);
    expect(process.env[variable]).toBe('1');
  });

  it('on leaves TF32 to TensorFlow', () => {
    delete process.env[variable];
    choosePrecision(true);
    expect(process.env[variable]).toBeUndefined();
  });

  it('says what it does where', () => {
    expect(describePrecision(true, { device: 'GPU' })).toContain('TF32');
    expect(describePrecision(true, { device: 'CPU' })).toMatch(/bfloat16, everything else in float32$/);
    expect(describePrecision(false, { device: 'GPU' })).toBeNull();
  });
});
