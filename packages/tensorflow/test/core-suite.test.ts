import { runEntry } from '@crosscheck/testkit';
import { expect, test } from 'vitest';

// Some of its tests measure time, which a busy machine can upset: once more is allowed.
test("TensorFlow.js's own core tests pass on this runtime, but for the one known failure", { retry: 1 }, async () => {
  const { stdout, stderr } = await runEntry('packages/tensorflow/test/core-suite/run.ts', []);
  const failed = [...stdout.matchAll(/^FAILED (.*)$/gm)].map(([, name]) => name);
  expect(failed, stdout + stderr).toEqual(['round test-tensorflow {} int32']);
  expect(Number(/^(\d+) passed/m.exec(stdout)?.[1])).toBeGreaterThanOrEqual(3877);
});
