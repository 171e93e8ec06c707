import { constant, constantIntegers, nothing, tf } from '@crosscheck/tensorflow';
import { expect, test } from 'vitest';

test('a constant is made once, keeps its sign and type, and outlives the scope that asked for it', () => {
  const made = tf.tidy(() => [constant(-0), constant(0), constant(0, 'int32'), constantIntegers([0]), nothing()]);
  expect(made.map(({ dtype, shape }) => [dtype, shape])).toEqual([
    ['float32', []],
    ['float32', []],
    ['int32', []],
    ['int32', [1]],
    ['float32', [0]],
  ]);
  expect(Object.is(made[0]?.dataSync()[0], -0)).toBe(true);
  expect(tf.tidy(() => [constant(-0), constant(0), constant(0, 'int32'), constantIntegers([0]), nothing()])).toEqual(
    made,
  );
});

test('they are not counted as tensors that somebody has left behind', () => {
  const before = tf.memory().numTensors;
  constant(0.123);
  expect(tf.memory().numTensors).toBe(before);
});

test('shapes that are others in every step do not pile up', () => {
  for (let i = 0; i < 10_000; i++) constantIntegers([i, 1]);
  expect([...constantIntegers([9_999, 1]).dataSync()]).toEqual([9_999, 1]);
  expect(tf.engine().state.numTensors - tf.memory().numTensors).toBeLessThanOrEqual(4096);
});
