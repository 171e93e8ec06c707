import { expectClose } from '@crosscheck/testkit';
import { expect } from 'vitest';
import type { tf } from '../src/index.ts';

/** Compares shapes, and the largest |difference| as a share of the largest expected value. */
export const nearWithin =
  (usualShare: number) =>
  (actual: tf.Tensor | undefined, expected: tf.Tensor, share = usualShare): void => {
    expect(actual?.shape).toEqual(expected.shape);
    const values = expected.dataSync() as Float32Array;
    const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-6);
    expectClose(actual?.dataSync() as Float32Array, values, { maxAbs: share * largest });
  };
