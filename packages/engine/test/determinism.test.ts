import { runEntry } from '@crosscheck/testkit';
import { expect, test } from 'vitest';

test('two processes train bit for bit alike: weights, gradients, statistics, dropout', async () => {
  const run = () => runEntry('packages/engine/test/one-step.ts', []);
  const [first, second] = [await run(), await run()];
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout).toMatch(/^[0-9a-f]{64}$/);
  expect(second.stdout).toBe(first.stdout);
});
