import { runEntry } from '@crosscheck/testkit';
import { expect, test } from 'vitest';

test("TensorFlow.js's own core tests pass on this runtime, but for the one known failure", async () => {
  const { code, stdout } = await runEntry('packages/tensorflow/test/core-suite/run.ts', []);
  const [, passed = 0, failed = 0] = /^(\d+) passed, (\d+) failed/m.exec(stdout)?.map(Number) ?? [];
  expect({ code, failed }).toEqual({ code: 0, failed: 1 });
  expect(passed).toBeGreaterThanOrEqual(3877);
});
