// The golden was made before the networks were written as values and layers (commit 277210e), by the same twenty steps on the engine of then.
import { runEntry } from '@crosscheck/testkit';
import { expect, test } from 'vitest';
import golden from './golden/twenty-steps.json' with { type: 'json' };

interface Trained {
  processor: string;
  hasOwnKernels: boolean;
  steps: [loss: number, gradientNorm: number][];
  weights: string;
}

test.runIf(process.env['CROSSCHECK_SLOW_TESTS'] === '1')(
  'the default network trains as it always did: twenty losses, and bit for bit on the processor of the golden',
  async () => {
    const { code, stdout, stderr } = await runEntry('packages/engine/test/twenty-steps.ts', [], { timeoutMs: 600_000 });
    expect(code, stderr).toBe(0);
    const { processor, hasOwnKernels, steps, weights } = JSON.parse(stdout) as Trained;
    for (const [step, [loss, norm]] of steps.entries()) {
      const [expectedLoss, expectedNorm] = golden.steps[step] as [number, number];
      // Other processors add up in another order.
      expect(Math.abs(loss / expectedLoss - 1), `loss of step ${step}`).toBeLessThan(1e-3);
      expect(Math.abs(norm / expectedNorm - 1), `norm of step ${step}`).toBeLessThan(1e-2);
    }
    const isSameMachine = processor === golden.processor && hasOwnKernels;
    const exact = { steps: golden.steps, weights: golden.weights };
    expect(isSameMachine ? { steps, weights } : exact).toEqual(exact);
  },
  600_000,
);
