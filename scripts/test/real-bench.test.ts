// What the bench on real pictures takes for true and false captions.

import { describe, expect, test } from 'vitest';
import { difficulties, divide, pair, postsOf, splitCount } from '../../benchmarks/real/posts.ts';
import type { Stamp } from '../../benchmarks/real/stamps.ts';
import { meanOf } from '../../benchmarks/real/table.ts';
import { createRandom } from '../../packages/contract/src/index.ts';

const sizes = { animals: 40, food: 25, space: 17, town: 30, weather: 1 };
const stamps: Stamp[] = Object.entries(sizes).flatMap(([kind, size]) =>
  Array.from({ length: size }, (_, i) => ({ image: `${kind}-${i}.jpg`, caption: `${kind} ${i}`, kind })),
);

function countBy<T>(items: readonly T[], keyOf: (item: T) => unknown): Map<unknown, number> {
  const counts = new Map<unknown, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

test('no stamp is in two parts, and over all splits each is judged once', () => {
  const judged: Stamp[] = [];
  for (let split = 0; split < splitCount; split++) {
    const { train, val, test } = divide(stamps, split);
    expect(new Set([...train, ...val, ...test]).size).toBe(stamps.length);
    expect(train.length + val.length + test.length).toBe(stamps.length);
    expect(train.length / stamps.length).toBeCloseTo(0.7, 1);
    judged.push(...test);
  }
  expect(new Set(judged).size).toBe(stamps.length);
  expect(judged).toHaveLength(stamps.length);
});

describe.each(difficulties)('posts that are %s', (difficulty) => {
  const pairs = pair(stamps, difficulty, 3, createRandom('test'));

  test('show every picture and every caption as often REAL as FAKE', () => {
    for (const part of ['image', 'text'] as const) {
      const of = (label: number) =>
        countBy(
          pairs.filter((post) => post.label === label),
          (post) => post[part],
        );
      expect(of(0)).toEqual(new Map([...of(0).keys()].map((stamp) => [stamp, of(1).get(stamp)])));
      expect(of(1).size).toBe(of(0).size);
    }
  });

  test('are REAL with their own caption, and FAKE with one of the kind that the difficulty says', () => {
    for (const { image, text, label } of pairs) {
      expect(label).toBe(image === text ? 0 : 1);
    }
    for (const { image, text } of pairs.filter(({ label }) => label === 1))
      expect(image.kind === text.kind).toBe(difficulty === 'hard');
    const alone = pairs.filter(({ image }) => image.kind === 'weather');
    expect(alone).toHaveLength(difficulty === 'hard' ? 0 : 6);
  });

  test('are the same in every run', () => {
    const recipe = { difficulty, split: 2, rounds: 2 };
    expect(postsOf(stamps, recipe, 'test')).toEqual(postsOf(stamps, recipe, 'test'));
  });
});

test("means come with half of Student's 95 % interval", () => {
  expect(meanOf([0.7])).toEqual({ mean: 0.7, half: null });
  const { mean, half } = meanOf([1, 2, 3, 4, 5]);
  expect(mean).toBe(3);
  expect(half).toBeCloseTo((2.776 * Math.sqrt(2.5)) / Math.sqrt(5), 6);
});
