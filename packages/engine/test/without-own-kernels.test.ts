// On a GPU, and where the compiler could not build them, our own kernels are not there.
import { hasOwnKernels } from '@crosscheck/tensorflow';
import { difference, runEntry } from '@crosscheck/testkit';
import { expect, test } from 'vitest';

interface Outcome {
  hasOwnKernels: boolean;
  /** Loss and norm of the gradients. */
  steps: [number, number][];
  weights: number[];
}

async function train(ownKernels: 'on' | 'off'): Promise<Outcome> {
  const env = { CROSSCHECK_OWN_KERNELS: ownKernels };
  const { stdout, stderr, code } = await runEntry('packages/engine/test/three-steps.ts', [], { env });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Outcome;
}

test.skipIf(!hasOwnKernels)("training on TensorFlow's kernels alone gives the same steps within rounding", async () => {
  const [own, composed] = [await train('on'), await train('off')];
  expect([own.hasOwnKernels, composed.hasOwnKernels]).toEqual([true, false]);
  for (const [i, step] of composed.steps.entries())
    for (const [j, expected] of step.entries()) expect((own.steps[i]?.[j] as number) / expected).toBeCloseTo(1, 4);
  // Adam divides by √v: where a gradient is all rounding noise, a weight's step may differ by as much as the learning rate.
  const { maxAbs, cosine } = difference(own.weights, composed.weights);
  expect(cosine).toBeGreaterThan(0.99999);
  expect(maxAbs).toBeLessThan(1e-3);
});
