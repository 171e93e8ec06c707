import { createRandom } from '@crosscheck/contract';
import { computeMetrics } from '@crosscheck/evaluation';
import { describe, expect, it } from 'vitest';
import { type Matrix, principalComponents } from '../src/suspects/components.ts';
import { minimize } from '../src/suspects/lbfgs.ts';
import { predictOutOfFold } from '../src/suspects/out-of-fold.ts';
import { fitProbe } from '../src/suspects/probe.ts';

function randomMatrix(rows: number, width: number, seed: number): Matrix {
  const random = createRandom(seed);
  return { rows, width, values: Float32Array.from({ length: rows * width }, () => random.next() * 2 - 1) };
}

it('L-BFGS finds the minimum of a badly scaled bowl', () => {
  const [scales, at] = [
    [1, 100, 0.01],
    [3, -2, 50],
  ] as const;
  const found = minimize((point, gradient) => {
    let value = 0;
    for (const [i, scale] of scales.entries()) {
      const distance = (point[i] as number) - (at[i] as number);
      value += scale * distance ** 2;
      gradient[i] = 2 * scale * distance;
    }
    return value;
  }, 3);
  for (const [i, x] of at.entries()) expect(found[i]).toBeCloseTo(x, 3);
});

describe('components', () => {
  it('are uncorrelated, of variance 1, and leave out what does not vary', () => {
    const noise = randomMatrix(500, 3, 1);
    // Five columns of which two repeat others.
    const values = Float32Array.from({ length: 500 * 5 }, (_, i) => {
      const [row, c] = [Math.floor(i / 5), i % 5];
      return 7 + (c + 1) * (noise.values[row * 3 + (c % 3)] as number);
    });
    const found = principalComponents({ rows: 500, width: 5, values }, 5, 42);
    expect(found.width).toBe(3);
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b <= a; b++) {
        let sum = 0;
        for (let row = 0; row < 500; row++)
          sum += (found.values[row * 3 + a] as number) * (found.values[row * 3 + b] as number);
        expect(sum / 500).toBeCloseTo(a === b ? 1 : 0, 2);
      }
    }
  });
});

describe('the probe', () => {
  // FAKE where two numbers have different signs: neither of them alone says anything.
  const [image, text] = [randomMatrix(400, 3, 2), randomMatrix(400, 4, 3)];
  const labels = Array.from({ length: 400 }, (_, row) =>
    (image.values[row * 3 + 1] as number) * (text.values[row * 4 + 2] as number) < 0 ? 1 : 0,
  );
  const folds = labels.map((_, row) => `fold ${row % 4}`);

  it('tells whether both parts match, on rows that it has not seen', () => {
    const { probabilities } = predictOutOfFold({ image, text, labels }, folds);
    expect(computeMetrics(probabilities, labels).rocAuc).toBeGreaterThan(0.95);
  });

  it('is at chance out of fold where labels are coins, though it fits them', () => {
    const random = createRandom(5);
    const coins = labels.map(() => random.int(2));
    const { probabilities } = predictOutOfFold({ image, text, labels: coins }, folds);
    const unseen = computeMetrics(probabilities, coins).rocAuc;
    expect(unseen).toBeLessThan(0.57);
    const rows = [...coins.keys()];
    const fitted = fitProbe({ image, text, labels: coins }, rows, 0.0003)(rows);
    const seen = Float64Array.from(fitted, (logit) => 1 / (1 + Math.exp(-logit)));
    expect(computeMetrics(seen, coins).rocAuc).toBeGreaterThan(unseen + 0.03);
  });
});
